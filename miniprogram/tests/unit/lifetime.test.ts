import { backoff_ms, chooseCard, codeState, hold, isDue, partLeft, secondsLeft } from '../../src/pages/cards/lifetime'

const ASKED_MS = 1_000_000
const dynamic = (refresh_seconds: number | null = 60) =>
  hold(
    { text: 'A:0:B:C', kind: 'dynamic', issued_at: '2026-11-22T01:00:00Z', expires_at: '2026-11-22T01:01:00Z', refresh_seconds },
    ASKED_MS,
  )
const now = (part: object) => ({
  wanted: 'dynamic' as const,
  held: null,
  isAsking: false,
  hasFailed: false,
  isCutOff: false,
  hasKeptStatic: false,
  ...part,
})

test('a life is counted from the request, whatever the clock of the phone says', () => {
  expect(dynamic().ends_at_ms).toBe(ASKED_MS + 60_000)
  expect(secondsLeft(dynamic(), ASKED_MS)).toBe(60)
  expect(secondsLeft(dynamic(), ASKED_MS + 59_001)).toBe(1)
  expect(secondsLeft(dynamic(), ASKED_MS + 90_000)).toBe(0)
  expect(partLeft(dynamic(), ASKED_MS + 30_000)).toBe(0.5)
})

test('a code is renewed before it ends, earlier if the centre says so', () => {
  expect(isDue(dynamic(), ASKED_MS + 50_999)).toBe(false)
  expect(isDue(dynamic(), ASKED_MS + 51_000)).toBe(true)
  expect(isDue(dynamic(20), ASKED_MS + 17_000)).toBe(true)
  expect(isDue(dynamic(null), ASKED_MS + 50_999)).toBe(false)
})

test('pauses grow and heed the server', () => {
  expect([1, 2, 3, 4, 9].map((attempt) => backoff_ms(attempt, null))).toEqual([2000, 4000, 8000, 15000, 15000])
  expect(backoff_ms(1, 30)).toBe(30_000)
})

test('an ended dynamic code is never shown', () => {
  const held = dynamic()
  const END = ASKED_MS + 60_000
  expect(codeState(now({ held }), END - 1)).toBe('live')
  expect(codeState(now({ held, isAsking: true }), END - 1)).toBe('renewing')
  expect(codeState(now({ held, isAsking: true }), ASKED_MS)).toBe('live')
  for (const isAsking of [true, false]) expect(codeState(now({ held, isAsking }), END)).toBe('expired')
  expect(codeState(now({ held, hasFailed: true, isCutOff: true }), END)).toBe('expired')
})

test('without network the kept static code takes over, but not before the live one has ended', () => {
  const cut = now({ held: dynamic(), hasFailed: true, isCutOff: true, hasKeptStatic: true })
  expect(codeState(cut, ASKED_MS + 59_999)).toBe('live')
  expect(codeState(cut, ASKED_MS + 60_000)).toBe('offline')
  expect(codeState(now({ hasFailed: true, hasKeptStatic: true }), ASKED_MS)).toBe('expired')
})

test('nothing yet is not an error', () => {
  expect(codeState(now({ isAsking: true }), ASKED_MS)).toBe('loading')
  expect(codeState(now({ wanted: 'static', held: dynamic() }), ASKED_MS)).toBe('loading')
})

test('the card in use is shown first', () => {
  const card = (card_id: string, status: string, claimed_at: string) => ({ card_id, status, claimed_at }) as never
  expect(chooseCard([])).toBeNull()
  const cards = [card('old', 'active', '2026-01-01'), card('gone', 'cancelled', '2026-03-01'), card('new', 'active', '2026-02-01')]
  expect(chooseCard(cards)).toMatchObject({ card_id: 'new' })
})
