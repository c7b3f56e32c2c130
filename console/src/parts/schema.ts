/** JSON schema, as pydantic writes it, reduced to what a form can draw. */

export interface Schema {
  $ref?: string;
  $defs?: Record<string, Schema>;
  type?: string;
  title?: string;
  description?: string;
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
  allOf?: Schema[];
  items?: Schema;
  prefixItems?: Schema[];
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  propertyNames?: Schema;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  default?: unknown;
}

export type Kind = "switch" | "choice" | "choices" | "whole" | "number" | "text" | "texts" | "object" | "map" | "list" | "json";

export interface Drawn {
  kind: Kind;
  schema: Schema;
  mayBeEmpty: boolean;
}

/** The schema behind references, and whether null is allowed. */
export function resolve(schema: Schema, root: Schema): { schema: Schema; mayBeEmpty: boolean } {
  if (schema.$ref) {
    const named = root.$defs?.[schema.$ref.replace("#/$defs/", "")] ?? {};
    const { $ref: _, ...rest } = schema;
    return resolve({ ...named, ...rest }, root);
  }
  if (schema.allOf?.length === 1) return resolve({ ...schema.allOf[0], ...schema, allOf: undefined }, root);
  if (schema.anyOf) {
    const real = schema.anyOf.filter((one) => one.type !== "null");
    if (real.length === 1 && real.length < schema.anyOf.length) {
      const { anyOf: _, ...rest } = schema;
      return { schema: resolve({ ...real[0]!, ...rest }, root).schema, mayBeEmpty: true };
    }
  }
  return { schema, mayBeEmpty: false };
}

export function draw(given: Schema, root: Schema): Drawn {
  const { schema, mayBeEmpty } = resolve(given, root);
  return { kind: kindOf(schema, root), schema, mayBeEmpty };
}

function kindOf(schema: Schema, root: Schema): Kind {
  if (schema.enum) return "choice";
  if (schema.type === "boolean") return "switch";
  if (schema.type === "integer") return "whole";
  if (schema.type === "number") return "number";
  if (schema.type === "string") return "text";
  if (schema.type === "object" && schema.properties) return "object";
  if (schema.type === "object" && typeof schema.additionalProperties === "object") return "map";
  if (schema.type === "array" && schema.items) {
    const inner = resolve(schema.items, root).schema;
    if (inner.enum) return "choices";
    return inner.type === "string" ? "texts" : "list";
  }
  return "json";
}

/** What a new item of a list or a map begins as. */
export function fresh(given: Schema, root: Schema): unknown {
  const { schema, mayBeEmpty } = resolve(given, root);
  if (schema.default !== undefined) return structuredClone(schema.default);
  if (mayBeEmpty) return null;
  if (schema.enum) return schema.enum[0];
  switch (schema.type) {
    case "boolean": return false;
    case "integer":
    case "number": return schema.minimum ?? 0;
    case "array": return [];
    case "object":
      return Object.fromEntries(Object.entries(schema.properties ?? {}).map(([name, inner]) => [name, fresh(inner, root)]));
    default: return "";
  }
}
