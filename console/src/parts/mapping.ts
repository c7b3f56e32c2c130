/** An institution's codes as a form holds them: rows while somebody writes, a table once it is sent. */

export interface Row {
  theirs: string;
  ours: string;
}
export type Table = Record<string, string>;
export type Fault = "missing" | "malformed" | "twice" | "unknown";

export const KINDS = ["steps", "channels", "cost_types"] as const;
export type Kind = (typeof KINDS)[number];
export const MAX_ROWS = 500;

export const rowsOf = (table: Table): Row[] => Object.entries(table).map(([theirs, ours]) => ({ theirs, ours }));
export const tableOf = (rows: Row[]): Table => Object.fromEntries(rows.map((row) => [row.theirs.trim(), row.ours]));

/** What is wrong with each row, or null; `known` are our codes. */
export function faultsOf(rows: Row[], known: Table): (Fault | null)[] {
  const seen = new Set<string>();
  return rows.map(({ theirs, ours }) => {
    const code = theirs.trim();
    if (!code || !ours) return "missing";
    if (!/^[A-Za-z0-9._-]{1,32}$/.test(code)) return "malformed";
    if (seen.has(code)) return "twice";
    seen.add(code);
    return Object.hasOwn(known, ours) ? null : "unknown";
  });
}
