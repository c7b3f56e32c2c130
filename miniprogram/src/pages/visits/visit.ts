import { computed, ref } from 'vue'
import { ApiError, asApiError } from '../../api/client'
import { getVisit, listVisits, type Visit } from '../../api/visits'
import { useLoaded } from '../../loaded'
import { dayOf } from '../../text/moments'

const WAIT_S = 8
const AGAIN_MS = 3000

/**
 * The visit that matters now: one under way before one that is to come, the nearest first; the past last. One of an
 * earlier day is past, also where the hospital never said that it is over.
 */
export function inOrder(visits: Visit[], now_ms: number): Visit[] {
  const isEarlier = (one: Visit) => dayOf(one.starts_at ?? one.steps[0]?.at ?? now_ms) < dayOf(now_ms)
  const rank = (one: Visit) => (isLive(one) && isEarlier(one) ? 2 : ['checked_in', 'expected', 'finished', 'cancelled'].indexOf(one.state))
  const away = (one: Visit) => (one.starts_at === null ? 0 : Math.abs(Date.parse(one.starts_at) - now_ms))
  return [...visits].sort((a, b) => rank(a) - rank(b) || away(a) - away(b))
}

/** Whether anything can still happen to it that the page should show at once. */
export function isLive(visit: Visit | null): boolean {
  return visit !== null && (visit.state === 'expected' || visit.state === 'checked_in')
}

/**
 * The visits of a card, and the one shown. While the page is seen the server is asked and holds its answer back
 * until something changes: a call from the queue is on the screen within a moment, and nothing is asked in vain.
 */
export function useVisits(card_id: () => string | null) {
  const list = useLoaded(async () => {
    const card = card_id()
    return card === null ? [] : listVisits(card)
  })
  const shown = ref<Visit | null>(null)
  const missed = ref<ApiError | null>(null)
  let wanted: string | null = null
  let round = 0

  const others = computed(() => inOrder(list.content.value ?? [], Date.now()).filter((one) => one.visit_id !== shown.value?.visit_id))

  /** `appointment_id`: the visit of that booking, when there is one. */
  async function load(appointment_id: string): Promise<void> {
    await list.load()
    const found = inOrder(list.content.value ?? [], Date.now())
    const named = found.find((one) => one.visit_id === wanted || (wanted === null && appointment_id !== '' && one.appointment_id === appointment_id))
    shown.value = named ?? found[0] ?? null
    void follow()
  }

  function show(visit: Visit): void {
    wanted = visit.visit_id
    shown.value = visit
    void follow()
  }

  async function follow(): Promise<void> {
    const mine = ++round
    while (mine === round && shown.value !== null && isLive(shown.value)) {
      const { visit_id, version } = shown.value
      try {
        const seen = await getVisit(visit_id, version, WAIT_S)
        if (mine !== round) return
        shown.value = seen
        missed.value = null
      } catch (reason) {
        if (mine !== round) return
        missed.value = asApiError(reason)
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS))
      }
    }
  }

  function stop(): void {
    round += 1
  }

  return { list, shown, others, missed, load, show, stop }
}
