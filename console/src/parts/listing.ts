/** The rows of a list page, a part of them at a time; where the list has states, those of the chosen one. */
import { computed, reactive, ref } from "vue";
import { call } from "../api/client";
import { useLoaded, type State } from "./loading";

export interface List<Row> {
  rows: Row[];
  /** Where the next rows begin; null when these are the last. */
  next: string | null;
  state: State;
  fault: string | undefined;
  /** What the list is shown by, one at a time, and which is chosen. */
  states: Record<string, string> | undefined;
  wanted: string | undefined;
  choose(name: string): void;
  goOn(from: string | null): void;
  load(): Promise<void>;
}

/** `path` answers `{[name]: Row[], next_cursor}`; of `states`, the first is what is shown first. */
export function useList<Row>(path: string, name: string, states?: Record<string, string>): List<Row> {
  const wanted = ref(Object.keys(states ?? {})[0]);
  const cursor = ref<string | null>(null);
  const { content, state, fault, load } = useLoaded(() =>
    call<Record<string, unknown>>("GET", path, { query: { state: wanted.value, cursor: cursor.value } }),
  );
  const rows = computed(() => (content.value?.[name] ?? []) as Row[]);
  const next = computed(() => (content.value?.["next_cursor"] ?? null) as string | null);

  function goOn(from: string | null): void {
    cursor.value = from;
    load();
  }
  function choose(state: string): void {
    wanted.value = state;
    content.value = null; // the rows of one state never stand under the name of another
    goOn(null);
  }
  return reactive({ rows, next, state, fault, states, wanted, choose, goOn, load }) as List<Row>;
}
