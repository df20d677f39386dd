/**
 * Rows of one kind, sorted by their columns. Rows are all of one height, so that of thousands only
 * those near what one sees are in the document, and only those that are other objects than before
 * are drawn again: columns are made once, outside of components or in a `useMemo`. Put a ViewLink
 * into the first column; filtering is done before, with `filterRows` and a FilterField.
 */
import { memo, useMemo, useRef, type ReactNode } from 'react';
import { sortRows, type Sort, type SortValue } from '#web/format/sort-rows.ts';
import { TEXT } from '#web/text/en.ts';
import { EmptyState } from './EmptyState.tsx';
import { Icon } from './Icon.tsx';
import { useRowWindow } from './row-window.ts';
import { useOverflow } from './use-overflow.ts';
import { useSteady } from './use-steady.ts';

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
  const { label, rows, columns, rowKey, selection, rowName = rowKey } = props;
  const body = useRef<HTMLTableSectionElement>(null);
  const sorted = useSorted(props);
  const { first, end } = useRowWindow(body, sorted.length, ROW_PX);
  const toggle = useSteady((key: string) => {
    selection?.onChange(toggled(selection.keys, key));
  });
  if (rows.length === 0) return props.empty ?? <EmptyState title={TEXT.table.empty} />;
  return (
    <TableBox label={label}>
      <table aria-label={label} aria-rowcount={sorted.length + 1}>
        <Head {...props} />
        <tbody ref={body}>
          <Gap rows={first} />
          {sorted.slice(first, end).map((row, at) => {
            const key = rowKey(row);
            return (
              <BodyRow
                key={key}
                index={first + at + 2}
                isSelected={selection?.keys.has(key)}
                name={selection === undefined ? '' : rowName(row)}
                {...{ row, columns, id: key, onToggle: toggle }}
              />
            );
          })}
          <Gap rows={sorted.length - end} />
        </tbody>
      </table>
    </TableBox>
  );
}

interface TableBoxProps extends Pick<TableProps<never>, 'label'> {
  readonly children: ReactNode;
}

/** What is scrolled sideways on a phone is scrolled by the keyboard too. */
function TableBox({ label, children }: TableBoxProps) {
  const box = useRef<HTMLDivElement>(null);
  const scrolls = useOverflow(box) && { tabIndex: 0, role: 'group', 'aria-label': label };
  return (
    <div className="table-box" ref={box} {...scrolls}>
      {children}
    </div>
  );
}

/** Sorting thousands takes a while: only when rows, column or direction are others. */
function useSorted<Row>({ rows, columns, sort }: TableProps<Row>): readonly Row[] {
  const valueOf = columns.find(({ id }) => id === sort?.column)?.sort;
  const isDescending = sort?.descending ?? false;
  return useMemo(
    () => (valueOf === undefined ? rows : sortRows(rows, valueOf, isDescending)),
    [rows, valueOf, isDescending],
  );
}

interface BodyRowProps<Row> {
  readonly row: Row;
  readonly id: string;
  readonly columns: readonly Column<Row>[];
  /** Among all rows and the head, from 1. */
  readonly index: number;
  /** Undefined where none can be selected. */
  readonly isSelected: boolean | undefined;
  readonly name: string;
  readonly onToggle: (id: string) => void;
}

function DrawnRow<Row>({ row, id, columns, index, isSelected, name, onToggle }: BodyRowProps<Row>) {
  return (
    <tr aria-rowindex={index} aria-selected={isSelected}>
      {isSelected !== undefined && (
        <td className="select">
          <input
            type="checkbox"
            aria-label={TEXT.table.select(name)}
            checked={isSelected}
            onChange={() => onToggle(id)}
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
}

const BodyRow = memo(DrawnRow) as typeof DrawnRow;

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
              column.title || <span className="unseen">{TEXT.table.actions}</span>
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
