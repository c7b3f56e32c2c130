import { computed, ref, watch, type Ref } from 'vue'
import { ApiError, asApiError } from '../../api/client'
import { getCode, type Card, type CardCode, type CodeKind } from '../../api/cards'
import { isOnline } from '../../platform/network'
import { keepStaticText, readKept } from './keeping'
import { backoff_ms, codeState, hold, isAlive, isDue, partLeft, secondsLeft, type HeldCode } from './lifetime'

const TICK_MS = 1000

/**
 * The code of an active card, always a usable one where that is possible: asked for again before it ends,
 * tried again with growing pauses when that fails, and taken off the screen the moment it has ended.
 * `onRefused` hears that the card itself is no longer active.
 */
export function useCode(card: Ref<Card | null>, onRefused: () => void) {
  const wanted = ref<CodeKind>('dynamic')
  const held = ref<HeldCode | null>(null)
  const isAsking = ref(false)
  const failure = ref<ApiError | null>(null)
  const now_ms = ref(Date.now())
  const kept = ref(readKept(card.value?.card_id))
  let attempts = 0
  let try_at_ms = 0
  let timer: ReturnType<typeof setInterval> | null = null

  const state = computed(() =>
    codeState(
      {
        wanted: wanted.value,
        held: held.value,
        isAsking: isAsking.value,
        hasFailed: failure.value !== null,
        isCutOff: failure.value?.isNetwork ?? !isOnline.value,
        hasKeptStatic: Boolean(kept.value?.static_text),
      },
      now_ms.value,
    ),
  )
  const shownText = computed(() => {
    if (state.value === 'offline') return kept.value?.static_text ?? ''
    if (state.value === 'expired' || state.value === 'loading') return ''
    return held.value?.text ?? ''
  })

  async function ask(): Promise<void> {
    const asked = { card: card.value, kind: wanted.value, at_ms: Date.now() }
    if (asked.card === null || asked.card.status !== 'active' || isAsking.value) return
    isAsking.value = true
    try {
      const code = await getCode(asked.card.card_id, asked.kind)
      if (stillWanted(asked)) take(code, asked.card, asked.at_ms)
    } catch (reason) {
      if (stillWanted(asked)) miss(asApiError(reason))
    } finally {
      isAsking.value = false
      now_ms.value = Date.now()
    }
  }

  function stillWanted(asked: { card: Card | null; kind: CodeKind }): boolean {
    return asked.card?.card_id === card.value?.card_id && asked.kind === wanted.value
  }

  function take(code: CardCode, owner: Card, asked_at_ms: number): void {
    held.value = hold(code, asked_at_ms)
    failure.value = null
    attempts = 0
    if (code.kind === 'static') keepStatic(owner, code.text)
    else if (!kept.value?.static_text) void fetchStatic(owner)
  }

  function miss(error: ApiError): void {
    failure.value = error
    attempts += 1
    try_at_ms = Date.now() + backoff_ms(attempts, error.retry_after_s)
    if (error.status === 409 || error.status === 404) onRefused()
  }

  function keepStatic(owner: Card, static_text: string): void {
    keepStaticText(owner, static_text, Date.now())
    kept.value = readKept(card.value?.card_id)
  }

  /** For a day without network. A centre may not allow static codes: then there is simply none to keep. */
  async function fetchStatic(owner: Card): Promise<void> {
    try {
      keepStatic(owner, (await getCode(owner.card_id, 'static')).text)
    } catch {
      // The next dynamic code tries again.
    }
  }

  function tick(): void {
    now_ms.value = Date.now()
    const isRight = held.value?.kind === wanted.value
    const isNeeded = !isRight || isDue(held.value, now_ms.value)
    if (isNeeded && now_ms.value >= try_at_ms) void ask()
  }

  function askNow(): void {
    try_at_ms = 0
    tick()
  }

  function start(): void {
    stop()
    kept.value = readKept(card.value?.card_id)
    timer = setInterval(tick, TICK_MS)
    askNow()
  }

  function stop(): void {
    if (timer !== null) clearInterval(timer)
    timer = null
  }

  function want(kind: CodeKind): void {
    if (wanted.value === kind) return
    wanted.value = kind
    failure.value = null
    attempts = 0
    askNow()
  }

  /** Before the first code of another card, or after sign-out: nothing of the last one stays on the screen. */
  function reset(): void {
    held.value = null
    failure.value = null
    attempts = 0
    try_at_ms = 0
    wanted.value = card.value?.shows ?? 'dynamic'
    kept.value = readKept(card.value?.card_id)
  }

  watch(isOnline, (online) => {
    if (online && timer !== null) askNow()
  })

  return {
    wanted,
    state,
    shownText,
    isAsking,
    failure,
    kept,
    hadCode: computed(() => held.value !== null && held.value.kind === wanted.value),
    isLate: computed(() => failure.value !== null && isAlive(held.value, now_ms.value)),
    left_s: computed(() => secondsLeft(held.value, now_ms.value)),
    partLeft: computed(() => partLeft(held.value, now_ms.value)),
    askNow,
    start,
    stop,
    want,
    reset,
  }
}
