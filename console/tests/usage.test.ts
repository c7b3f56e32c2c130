import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { standing as joins } from "../src/parts/institution";
import { faultsOf, rowsOf, tableOf } from "../src/parts/mapping";
import { standing, type Progress } from "../src/parts/uploading";
import { STEPS, codeName, reasonOf } from "../src/text/usage";

const source = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");

describe("an institution's codes in a form", () => {
  it("comes back as the table it was", () => {
    const table = { GH: "010101", "0101011": "010101" };
    expect(tableOf(rowsOf(table))).toEqual(table);
    expect(tableOf([{ theirs: " GH ", ours: "010101" }])).toEqual({ GH: "010101" });
  });

  it("says what is wrong with each row", () => {
    const rows = [["GH", "010101"], ["", "010101"], ["SF", ""], ["G H", "010101"], ["GH", "010105"], ["X".repeat(33), "010101"], ["JF", "777777"], ["toString", "constructor"]];
    const faults = faultsOf(rows.map(([theirs, ours]) => ({ theirs: theirs!, ours: ours! })), { "010101": "registration", "010105": "paying" });
    expect(faults).toEqual([null, "missing", "missing", "malformed", "twice", "malformed", "unknown", "unknown"]);
  });

  it("names every code a platform begins with, and leaves a centre its own names", () => {
    const tables = source("server/usage/tables.py");
    for (const [kind, table] of [["steps", "STEPS"], ["channels", "CHANNELS"], ["cost_types", "COST_TYPES"]] as const) {
      const block = tables.slice(tables.indexOf(`\n${table} = {`)).split("\n}")[0]!;
      const codes = [...block.matchAll(/^ {4}"([0-9]+)": /gm)].map((row) => row[1]!);
      expect(codes.length).toBeGreaterThan(3);
      expect(codes.filter((code) => codeName(kind, code, "x") === "x")).toEqual([]);
    }
    const own = STEPS["010105"]!;
    expect([codeName("steps", "010101", own), codeName("steps", "999901", "dispensary")]).toEqual([own, "dispensary"]);
  });
});

describe("the way to the centre above", () => {
  const calm: Progress = {
    is_set_up: true, sent: 0, waiting: 0, refused: 0, waiting_since: null, sent_at: null, failures: 0, failed_at: null, failed_because: null, next_try_at: null,
  };

  it("stands in one of five ways", () => {
    expect(standing({ ...calm, is_set_up: false, waiting: 3, failures: 2 })).toBe("off");
    expect(standing({ ...calm, waiting: 3, failures: 2 })).toBe("failing");
    expect(standing({ ...calm, waiting: 3 })).toBe("waiting");
    expect(standing({ ...calm, sent: 3, sent_at: "2026-11-22T08:00:00Z", failed_at: "2026-11-22T07:00:00Z" })).toBe("clear");
    expect(standing(calm)).toBe("idle");
  });

  it("has words for every reason of the platform's own", () => {
    const said = source("server/gateways/upper_centre.py") + source("server/core/signed_calls.py");
    const reasons = [...said.matchAll(/(?:NotTaken|Unproven|Silent)\("([^"]+)"\)/g)].map((row) => row[1]!);
    expect(reasons.length).toBeGreaterThan(5);
    const unknown = reasonOf("upload.malformed");
    expect(reasons.filter((reason) => reasonOf(reason) === unknown)).toEqual([]);
    expect(reasonOf("unsigned 503")).toContain("503");
  });
});

describe("an institution that applies", () => {
  it("is new, or there already, perhaps under another name", () => {
    const app = { app_id: "river-his", institution: "Riverside Hospital", status: "active" };
    expect(joins("Riverside Hospital", [])).toBe("fresh");
    expect(joins("Riverside Hospital ", [app])).toBe("known");
    expect(joins("Riverside Hospital", [app, { ...app, institution: "Riverside Clinic" }])).toBe("differs");
  });
});
