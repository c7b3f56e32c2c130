import { describe, expect, it } from "vitest";
import { draw, fresh, type Schema } from "../src/parts/schema";

const ROOT: Schema = {
  $defs: { Rule: { type: "object", properties: { channels: { type: "array", items: { enum: ["web", "window"], type: "string" } }, days: { type: "integer", minimum: 1 } } } },
};
const kind = (schema: Schema) => draw(schema, ROOT).kind;

describe("what a form draws of a schema", () => {
  it("knows the kinds pydantic writes", () => {
    expect(kind({ type: "boolean" })).toBe("switch");
    expect(kind({ type: "integer" })).toBe("whole");
    expect(kind({ type: "array", items: { type: "string" } })).toBe("texts");
    expect(kind({ type: "array", items: { enum: ["a"], type: "string" } })).toBe("choices");
    expect(kind({ type: "array", items: { $ref: "#/$defs/Rule" } })).toBe("list");
    expect(kind({ $ref: "#/$defs/Rule" })).toBe("object");
    expect(kind({ type: "object", additionalProperties: { type: "integer" } })).toBe("map");
    expect(kind({ anyOf: [{ type: "string" }, { type: "integer" }] })).toBe("json");
  });

  it("sees that null is allowed, behind a choice of two", () => {
    const drawn = draw({ anyOf: [{ type: "integer", minimum: 10 }, { type: "null" }], default: null }, ROOT);
    expect([drawn.kind, drawn.mayBeEmpty, drawn.schema.minimum]).toEqual(["whole", true, 10]);
  });

  it("begins a new item with what the schema takes", () => {
    expect(fresh({ $ref: "#/$defs/Rule" }, ROOT)).toEqual({ channels: [], days: 1 });
    expect(fresh({ enum: ["a", "b"] }, ROOT)).toBe("a");
  });
});
