import { ref } from 'vue'

type Answer = { statusCode: number; data: unknown; header?: Record<string, string> }
type Request = { url: string; success(answer: Answer): void; fail(reason: { errMsg: string }): void }

const stored = new Map<string, unknown>()
const asked: string[] = []
let answer: (request: Request) => void
let announceNetwork: (change: { isConnected: boolean }) => void = () => undefined
let issued = 0

Object.assign(globalThis, {
  uni: {
    getStorageSync: (key: string) => stored.get(key) ?? '',
    setStorageSync: (key: string, value: unknown) => stored.set(key, JSON.parse(JSON.stringify(value))),
    removeStorageSync: (key: string) => stored.delete(key),
    getNetworkType: () => undefined,
    onNetworkStatusChange: (listener: typeof announceNetwork) => (announceNetwork = listener),
    request: (request: Request) => {
      asked.push(request.url)
      answer(request)
    },
  },
})

const CARD = { card_id: 'c1', ehealth_card_id: 'E', status: 'active', claimed_at: '2026-01-01', person: {} } as never
const good = (request: Request) => {
  const kind = request.url.endsWith('static') ? 'static' : 'dynamic'
  issued += 1
  const data =
    kind === 'static'
      ? { text: 'STATIC', kind, issued_at: '2026-01-01T00:00:00Z', expires_at: null, refresh_seconds: null }
      : { text: `CODE${issued}`, kind, issued_at: '2026-01-01T00:00:00Z', expires_at: '2026-01-01T00:01:00Z', refresh_seconds: 60 }
  request.success({ statusCode: 200, data })
}
const cutOff = (request: Request) => request.fail({ errMsg: 'request:fail' })
const refused = (status: number, code: string) => (request: Request) =>
  request.success({ statusCode: status, data: { error: { code } } })

async function pass(seconds: number): Promise<void> {
  await jest.advanceTimersByTimeAsync(seconds * 1000)
}

async function open(onRefused = () => undefined as void) {
  // Only now: the module asks the platform for its network as soon as it is read.
  const { useCode } = require('../../src/pages/cards/code') as typeof import('../../src/pages/cards/code')
  const code = useCode(ref(CARD), onRefused)
  code.start()
  await pass(0.1)
  return code
}

beforeEach(() => {
  jest.useFakeTimers({ now: Date.parse('2030-05-05T00:00:00Z') })
  stored.clear()
  asked.length = 0
  issued = 0
  answer = good
})
afterEach(() => jest.useRealTimers())

test('the code renews itself before it ends, again and again', async () => {
  const code = await open()
  const first = code.shownText.value
  expect([code.state.value, first]).toEqual(['live', 'CODE1'])
  await pass(50)
  expect(code.shownText.value).toBe(first)
  await pass(2)
  expect([code.state.value, code.shownText.value === first]).toEqual(['live', false])
  const second = code.shownText.value
  await pass(60)
  expect(code.shownText.value).not.toBe(second)
  code.stop()
})

test('while the new one is awaited the old one is there, dimmed', async () => {
  const code = await open()
  answer = () => undefined
  await pass(52)
  expect([code.state.value, code.shownText.value]).toEqual(['renewing', 'CODE1'])
  code.stop()
})

test('when renewing fails it says so, tries again, and covers the code the moment it has ended', async () => {
  const code = await open()
  answer = refused(503, 'code.unavailable')
  await pass(52)
  expect([code.state.value, code.isLate.value]).toEqual(['live', true])
  const tries = asked.length
  await pass(9)
  expect(asked.length).toBeGreaterThan(tries)
  expect([code.state.value, code.shownText.value]).toEqual(['expired', ''])
  answer = good
  await pass(15)
  expect([code.state.value, code.isLate.value]).toEqual(['live', false])
  code.stop()
})

test('without network the static code of last time is shown, and the live one when the network is back', async () => {
  const code = await open()
  answer = cutOff
  announceNetwork({ isConnected: false })
  await pass(61)
  expect([code.state.value, code.shownText.value]).toEqual(['offline', 'STATIC'])
  answer = good
  announceNetwork({ isConnected: true })
  await pass(0)
  expect(code.state.value).toBe('live')
  code.stop()
})

test('a static code stays, and going back asks for a dynamic one', async () => {
  const code = await open()
  code.want('static')
  await pass(0)
  expect([code.state.value, code.shownText.value]).toEqual(['static', 'STATIC'])
  const requests = asked.length
  await pass(300)
  expect(asked.length).toBe(requests)
  code.want('dynamic')
  await pass(0)
  expect(code.state.value).toBe('live')
  code.stop()
})

test('a card that is no longer active is reported, and its code is not asked for twice a second', async () => {
  const code = await open()
  answer = refused(409, 'card.not_active')
  let reported = 0
  code.stop()
  const other = await open(() => void (reported += 1))
  const requests = asked.length
  expect([reported, other.shownText.value]).toEqual([1, ''])
  await pass(1)
  expect(asked.length).toBe(requests)
  other.stop()
})

test('after stop nothing is asked any more', async () => {
  const code = await open()
  code.stop()
  const requests = asked.length
  await pass(600)
  expect(asked.length).toBe(requests)
})
