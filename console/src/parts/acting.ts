/** One act at a time: a button that waits, a key that makes the act single, a sentence when it is refused. */
import { ref, type Ref } from "vue";
import { OFFLINE, Refusal, newKey } from "../api/client";
import { said } from "../text/errors";

export function useAct(): { busy: Ref<boolean>; fault: Ref<string>; act: (work: (key: string) => Promise<void>) => Promise<boolean> } {
  const busy = ref(false);
  const fault = ref("");
  let key = newKey();

  async function act(work: (key: string) => Promise<void>): Promise<boolean> {
    if (busy.value) return false;
    busy.value = true;
    fault.value = "";
    try {
      await work(key);
      key = newKey();
      return true;
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      if (refusal.code !== OFFLINE) key = newKey(); // not known whether it was done: the same key again
      fault.value = said(refusal);
      return false;
    } finally {
      busy.value = false;
    }
  }
  return { busy, fault, act };
}
