import type { Visit } from '../../src/api/visits'

type Answer = { statusCode: number; data: unknown }
type Request = { url: string; success(answer: Answer): void; fail(reason: { errMsg: string }): void }

const KEPT = new Map<string, unknown>([['session', { token: 't', expires_at: '2030-01-01T00:00:00Z', account: { account_id: 'a', phone_masked: null } }]])
const asked: string[] = []
let answer: (request: Request) => void = () => undefined

Object.assign(globalThis, {
  uni: {
    getStorageSync: (key: string) => KEPT.get(key) ?? '',
    setStorageSync: () => undefined,
    removeStorageSync: () => undefined,
    getNetworkType: () => undefined,
    onNetworkStatusChange: () => undefined,
    request: (request: Request) => {
      asked.push(request.url.replace('/api/v1', ''))
      answer(request)
    },
  },
})

// Only now: the modules ask the platform for its storage and network as soon as they are read.
const { inOrder, isLive, useVisits } = require('../../src/pages/visits/visit') as typeof import('../../src/pages/visits/visit')

const NOW_MS = Date.parse('2026-11-26T01:00:00Z')
const visit = (visit_id: string, part: Partial<Visit> = {}): Visit => ({
  visit_id, appointment_id: null, card_id: 'c1', kind: 'clinic', state: 'expected', institution_id: 'I', institution: '云溪市中医医院',
  department: '中医内科', doctor: null, place: null, starts_at: null, ends_at: null, registration_no: null, steps: [], next: null, queue: null,
  version: 'v1', ...part,
})
const found = (...visits: Visit[]) => (request: Request) => {
  if (request.url.includes('?card_id=')) request.success({ statusCode: 200, data: { visits } })
}

beforeEach(() => {
  jest.useFakeTimers({ now: NOW_MS })
  asked.length = 0
})
afterEach(() => jest.useRealTimers())

test('what is under way stands before what is to come, the nearest first, and the past last', () => {
  const visits = [
    visit('over', { state: 'finished' }), visit('later', { starts_at: '2026-11-28T01:00:00Z' }),
    visit('soon', { starts_at: '2026-11-26T02:00:00Z' }), visit('here', { state: 'checked_in' }), visit('off', { state: 'cancelled' }),
  ]
  expect(inOrder(visits, NOW_MS).map((one) => one.visit_id)).toEqual(['here', 'soon', 'later', 'over', 'off'])
  expect(visits[0].visit_id).toBe('over')
  const left = [visit('left', { state: 'checked_in', starts_at: '2026-11-25T01:00:00Z' }), visit('soon', { starts_at: '2026-11-26T02:00:00Z' })]
  expect(inOrder(left, NOW_MS).map((one) => one.visit_id)).toEqual(['soon', 'left'])
})

test('only what can still change is followed', () => {
  const states = ['expected', 'checked_in', 'finished', 'cancelled'] as const
  expect(states.map((state) => isLive(visit('v', { state })))).toEqual([true, true, false, false])
  expect(isLive(null)).toBe(false)
})

test('the visit of the booking is shown, and the server is asked for what is newer than it', async () => {
  answer = found(visit('near', { starts_at: '2026-11-26T02:00:00Z' }), visit('meant', { appointment_id: 'a1', version: 'v7' }))
  const visits = useVisits(() => 'c1')
  await visits.load('a1')
  expect(visits.shown.value?.visit_id).toBe('meant')
  expect(visits.others.value.map((one) => one.visit_id)).toEqual(['near'])
  expect(asked).toEqual(['/visits?card_id=c1', '/visits/meant?since=v7&wait_s=8'])
  visits.stop()
})

test('without network what was seen stays, it is said, and it is asked again', async () => {
  const held: Request[] = []
  answer = (request) => (request.url.includes('?card_id=') ? found(visit('v'))(request) : held.push(request))
  const visits = useVisits(() => 'c1')
  await visits.load('')
  held[0].fail({ errMsg: 'request:fail' })
  await jest.advanceTimersByTimeAsync(2999)
  expect([visits.shown.value?.visit_id, visits.missed.value?.isNetwork, held.length]).toEqual(['v', true, 1])
  await jest.advanceTimersByTimeAsync(1)
  held[1].success({ statusCode: 200, data: visit('v', { state: 'finished', version: 'v2' }) })
  await jest.advanceTimersByTimeAsync(0)
  expect([visits.shown.value?.state, visits.missed.value, held.length]).toEqual(['finished', null, 2])
})

test('a page that was left takes no late answer', async () => {
  const held: Request[] = []
  answer = (request) => (request.url.includes('?card_id=') ? found(visit('v'))(request) : held.push(request))
  const visits = useVisits(() => 'c1')
  await visits.load('')
  visits.stop()
  held[0].success({ statusCode: 200, data: visit('v', { state: 'checked_in' }) })
  await jest.advanceTimersByTimeAsync(0)
  expect([visits.shown.value?.state, held.length]).toEqual(['expected', 1])
})
