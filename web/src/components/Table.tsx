/**
 * Rows of one kind, sorted by their columns. Rows are all of one height, so that of thousands only
 * those near what one sees are in the document. Put a ViewLink into the first column; filtering is
 * done before, with `filterRows` and a FilterField.
 */
import { useMemo, useRef, type ReactNode } from 'react';
import { sortRows, type Sort, type SortValue } from '#web/format/sort-rows.ts';
import { TEXT } from '#web/text/en.ts';
import { EmptyState } from './EmptyState.tsx';
import { Icon } from './Icon.tsx';
import { useRowWindow } from './row-window.ts';

export interface Column<Row> {
  readonly id: string;
  readonly title: string;
  readonly cell: (row: Row) => ReactNode;
  /** Makes it sortable. */
  readonly sort?: (row: Row) => SortValue;
  /** Numbers stand at the end. */
  readonly align?: 'start' | 'end';
  /** Left out where there is no room: below a tablet's width, below a desktop's. */
  readonly hideBelow?: 'tablet' | 'desktop';
  /** As narrow as its content, or taking what is left. */
  readonly width?: 'fit' | 'grow';
}

export interface Selection {
  readonly keys: ReadonlySet<string>;
  readonly onChange: (keys: ReadonlySet<string>) => void;
}

export interface TableProps<Row> {
  /** What is listed: read aloud. */
  readonly label: string;
  readonly rows: readonly Row[];
  readonly rowKey: (row: Row) => string;
  readonly columns: readonly Column<Row>[];
  readonly sort?: Sort;
  readonly onSort?: (sort: Sort) => void;
  /** For what is done to several at once. `rowName` names a row then. */
  readonly selection?: Selection;
  readonly rowName?: (row: Row) => string;
  /** In place of a table without rows. */
  readonly empty?: ReactNode;
}

/** `--row` in tokens.css. */
const ROW_PX = 32;

export function Table<Row>(props: TableProps<Row>) {
  const { label, rows, columns, sort, rowKey, selection, rowName = rowKey } = props;
  const body = useRef<HTMLTableSectionElement>(null);
  const sorted = useMemo(() => {
    const valueOf = columns.find(({ id }) => id === sort?.column)?.sort;
    if (sort === undefined || valueOf === undefined) return rows;
    return sortRows(rows, valueOf, sort.descending);
  }, [rows, columns, sort]);
  const { first, end } = useRowWindow(body, sorted.length, ROW_PX);
  if (rows.length === 0) return props.empty ?? <EmptyState title={TEXT.table.empty} />;
  return (
    <div className="table-box">
      <table aria-label={label} aria-rowcount={sorted.length + 1}>
        <Head {...props} />
        <tbody ref={body}>
          <Gap rows={first} />
          {sorted.slice(first, end).map((row, at) => {
            const key = rowKey(row);
            const isSelected = selection?.keys.has(key);
            return (
              <tr key={key} aria-rowindex={first + at + 2} aria-selected={isSelected}>
                {selection !== undefined && (
                  <td className="select">
                    <input
                      type="checkbox"
                      aria-label={TEXT.table.select(rowName(row))}
                      checked={isSelected ?? false}
                      onChange={() => selection.onChange(toggled(selection.keys, key))}
                    />
                  </td>
                )}
                {columns.map((column) => (
                  <td key={column.id} {...looksOf(column)}>
                    {column.cell(row)}
                  </td>
                ))}
              </tr>
            );
          })}
          <Gap rows={sorted.length - end} />
        </tbody>
      </table>
    </div>
  );
}

function Head<Row>({ rows, rowKey, columns, sort, onSort, selection }: TableProps<Row>) {
  const all = selection === undefined ? [] : rows.map(rowKey);
  const areAll = selection !== undefined && all.every((key) => selection.keys.has(key));
  return (
    <thead>
      <tr>
        {selection !== undefined && (
          <th className="select" scope="col">
            <input
              type="checkbox"
              aria-label={TEXT.table.selectAll}
              checked={areAll}
              onChange={() => selection.onChange(new Set(areAll ? [] : all))}
            />
          </th>
        )}
        {columns.map((column) => (
          <th
            key={column.id}
            scope="col"
            {...looksOf(column)}
            aria-sort={sort?.column === column.id ? directionOf(sort) : undefined}
          >
            {column.sort === undefined || onSort === undefined ? (
              column.title
            ) : (
              <SortButton column={column} sort={sort} onSort={onSort} />
            )}
          </th>
        ))}
      </tr>
    </thead>
  );
}

interface SortButtonProps<Row> {
  readonly column: Column<Row>;
  readonly sort: Sort | undefined;
  readonly onSort: (sort: Sort) => void;
}

/** The first press sorts numbers from the largest, and the next one turns it round. */
function SortButton<Row>({ column, sort, onSort }: SortButtonProps<Row>) {
  const isSorted = sort?.column === column.id;
  const descending = isSorted ? !sort.descending : column.align === 'end';
  return (
    <button
      type="button"
      className="sort"
      title={TEXT.table.sortBy(column.title)}
      onClick={() => onSort({ column: column.id, descending })}
    >
      {column.title}
      {isSorted && <Icon name={sort.descending ? 'down' : 'up'} />}
    </button>
  );
}

/** As high as the rows that are left out. */
function Gap({ rows }: { readonly rows: number }) {
  if (rows <= 0) return null;
  return (
    <tr aria-hidden="true" className="gap">
      {/* eslint-disable-next-line jsx-a11y/control-has-associated-label -- nothing is in it */}
      <td style={{ height: rows * ROW_PX }} />
    </tr>
  );
}

function looksOf<Row>({ align = 'start', hideBelow, width }: Column<Row>) {
  return { 'data-align': align, 'data-hide': hideBelow, 'data-width': width };
}

function directionOf({ descending }: Sort): 'ascending' | 'descending' {
  return descending ? 'descending' : 'ascending';
}

function toggled(keys: ReadonlySet<string>, key: string): ReadonlySet<string> {
  return keys.has(key) ? keys.difference(new Set([key])) : new Set([...keys, key]);
}
