import { computed, onBeforeUnmount, ref } from 'vue'

/** The wait before another text message may be asked for, by the wall clock: it goes on while the page sleeps. */
export function useResendWait() {
  const free_at_ms = ref(0)
  const now_ms = ref(Date.now())
  const timer = setInterval(() => (now_ms.value = Date.now()), 1000)
  onBeforeUnmount(() => clearInterval(timer))

  return {
    wait_s: computed(() => Math.max(0, Math.ceil((free_at_ms.value - now_ms.value) / 1000))),
    begin(wait_s: number): void {
      now_ms.value = Date.now()
      free_at_ms.value = now_ms.value + wait_s * 1000
    },
  }
}
