/** Something loaded for a page, and which state the page is in: loading, empty, failed, offline, forbidden. */
import { onMounted, ref, type Ref } from "vue";
import { OFFLINE, Refusal } from "../api/client";
import { said } from "../text/errors";

export type State = "loading" | "ready" | "failed" | "offline" | "forbidden";

export interface Loaded<T> {
  content: Ref<T | null>;
  state: Ref<State>;
  fault: Ref<string | undefined>;
  load: () => Promise<void>;
}

export function useLoaded<T>(ask: () => Promise<T>, atOnce = true): Loaded<T> {
  const content = ref(null) as Ref<T | null>;
  const state = ref<State>("loading");
  const fault = ref<string>();
  let newest = 0;

  async function load(): Promise<void> {
    const mine = ++newest;
    if (content.value === null) state.value = "loading";
    try {
      const found = await ask();
      if (mine !== newest) return;
      content.value = found;
      state.value = "ready";
    } catch (refusal) {
      if (mine !== newest) return;
      if (!(refusal instanceof Refusal)) throw refusal;
      fault.value = said(refusal);
      state.value = refusal.code === OFFLINE ? "offline" : refusal.status === 403 ? "forbidden" : "failed";
    }
  }
  if (atOnce) onMounted(load);
  return { content, state, fault, load };
}
