/** An alert as the API answers it. */
export interface WireAlert {
  readonly rule_id: string;
  readonly rule_name: string;
  readonly state: string;
  readonly severity: string;
  readonly comparison: string;
  readonly threshold: number;
  readonly value: number | null;
  readonly since: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly silenced_until: string | null;
}
