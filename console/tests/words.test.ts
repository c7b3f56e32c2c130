import { readFileSync, readdirSync } from "node:fs";
import { describe, expect, it, vi } from "vitest";

vi.stubGlobal("sessionStorage", { getItem: () => null, setItem: () => undefined, removeItem: () => undefined });

describe("pages and refusals", () => {
  it("opens a page to nobody without its permission", async () => {
    const { isOpenTo } = await import("../src/access");
    const entry = { name: "audit", path: "/audit", page: {}, permissions: ["audit.read"], inMenu: true };
    expect(isOpenTo(entry, () => false)).toBe(false);
    expect(isOpenTo(entry, (name) => name === "audit.read")).toBe(true);
  });

  it("has words for every refusal of the catalogue that staff alone meet", async () => {
    const { isKnown } = await import("../src/text/errors");
    const catalogue = readFileSync(new URL("../../docs/partner-api.md", import.meta.url), "utf8");
    const codes = [...catalogue.matchAll(/^\| `((?:staff|staff_[a-z]+|enrolment|role|policy|permission|merge|person|person_review|review|criterion|security_event|code_mapping|limits)\.[a-z_]+)` \|/gm)].map((row) => row[1]!);
    expect(codes.length).toBeGreaterThan(15);
    expect(codes.filter((code) => !isKnown(code))).toEqual([]);
  });

  it("names every role of the platform", async () => {
    const { ROLES } = await import("../src/text");
    const table = readFileSync(new URL("../../server/staff/roles.py", import.meta.url), "utf8");
    const names = [...table.matchAll(/^ {4}"([a-z_]+)": Role\(/gm)].map((row) => row[1]!);
    expect(names.length).toBeGreaterThan(5);
    expect(names.filter((name) => !(name in ROLES))).toEqual([]);
  });

  it("says every scope and every criterion of the platform in a sentence", async () => {
    const { CRITERIA, SCOPES } = await import("../src/text/partners");
    const named = (file: string, table: string) => {
      const source = readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");
      const block = source.slice(source.indexOf(table)).split("\n}")[0]!;
      return [...block.matchAll(/^ {4}"([a-z_.]+)":/gm)].map((row) => row[1]!);
    };
    const scopes = named("handlers/scopes.py", "SCOPES");
    const criteria = named("server/partners/admission/model.py", "CRITERIA");
    expect([scopes.length, criteria.length].every((count) => count > 4)).toBe(true);
    expect(scopes.filter((name) => !(name in SCOPES))).toEqual([]);
    expect(criteria.filter((name) => !(name in CRITERIA))).toEqual([]);
  });

  it("names every policy of the platform and every field of it", async () => {
    const { hintOf, labelOf, policyName, policySentence } = await import("../src/text/policies");
    const files = ["server/", "push/", "payment/"].flatMap((folder) => {
      const place = new URL(`../../${folder}`, import.meta.url);
      return readdirSync(place, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".py")).map((name) => new URL(name, place));
    });
    const blocks = files.flatMap((file) => {
      const source = readFileSync(file, "utf8");
      const at = source.search(/^ {4}NAME: ClassVar\[str\] = "/m);
      return at < 0 ? [] : [source.slice(at).split(/\n(?: {4}@| {4}def |\n\n)/)[0]!];
    });
    const names = blocks.map((block) => /"([a-z_]+)"/.exec(block)![1]!);
    const fields = blocks.flatMap((block) => [...block.matchAll(/^ {4}([a-z_]+): /gm)].map((row) => row[1]!));
    expect([names.length, fields.length].every((count) => count > 12)).toBe(true);
    expect(names.filter((name) => policyName(name) === name || !policySentence(name))).toEqual([]);
    expect(fields.filter((field) => labelOf(field) === field)).toEqual([]);
    expect(["life of a code", undefined]).not.toContain(hintOf("refresh_seconds", "life of a code"));
    expect([hintOf("channels", undefined), hintOf("brand_new", "said")]).toEqual([undefined, "said"]);
  });

  it("shows times of the card centre's wall clock", async () => {
    const { moment } = await import("../src/parts/moment");
    expect(moment("2026-11-22T16:05:09Z")).toBe("2026-11-23 00:05:09");
    expect(moment(null)).toBe("—");
  });
});
