/** Speaks to /staff/v1: one function, and one kind of error for everything that can go wrong. */
import { session } from "../session";

export class Refusal extends Error {
  constructor(
    readonly code: string,
    readonly status: number,
    readonly detail: Record<string, unknown> = {},
    readonly waitS = 0,
  ) {
    super(code);
  }
}

export const OFFLINE = "console.offline";
const TIMEOUT_MS = 15_000;

export type Query = Record<string, string | number | null | undefined>;

export interface Asked {
  body?: unknown;
  query?: Query;
  /** Sent along with what creates or moves something: the same act asked twice is done once. */
  key?: string;
}

export function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function withQuery(path: string, query: Query = {}): string {
  const known = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return known.length ? `${path}?${new URLSearchParams(known.map(([name, value]) => [name, String(value)]))}` : path;
}

async function send(method: string, path: string, asked: Asked): Promise<Response> {
  const headers: Record<string, string> = {};
  if (session.token) headers["Authorization"] = `Bearer ${session.token}`;
  if (asked.body !== undefined) headers["Content-Type"] = "application/json";
  if (asked.key) headers["Idempotency-Key"] = asked.key;
  const body = asked.body === undefined ? (method === "POST" ? "" : undefined) : JSON.stringify(asked.body);
  let answer: Response;
  try {
    answer = await fetch(withQuery(`/staff/v1${path}`, asked.query), {
      method,
      headers,
      body,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch {
    throw new Refusal(OFFLINE, 0);
  }
  if (answer.ok) return answer;
  const said = await answer.json().catch(() => null);
  const error = said?.error ?? { code: "server.failed", detail: {} };
  if (error.code === "session.missing") session.end("expired");
  throw new Refusal(error.code, answer.status, error.detail, Number(answer.headers.get("Retry-After") ?? 0));
}

export async function call<T = void>(method: string, path: string, asked: Asked = {}): Promise<T> {
  const answer = await send(method, path, asked);
  return (answer.status === 204 ? undefined : await answer.json()) as T;
}

/** A picture that only a session may see, as an address for an <img>; the caller revokes it. */
export async function picture(path: string): Promise<string> {
  return URL.createObjectURL(await (await send("GET", path, {})).blob());
}
