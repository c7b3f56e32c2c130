import type { ApiError } from '../../src/api/client'

Object.assign(globalThis, {
  uni: {
    getStorageSync: () => '',
    setStorageSync: () => undefined,
    removeStorageSync: () => undefined,
    getNetworkType: () => undefined,
    onNetworkStatusChange: () => undefined,
  },
})

// Only now: the modules ask the platform for its storage and network as soon as they are read.
const client = require('../../src/api/client') as typeof import('../../src/api/client')
const { asRequestText, viewAfter } = require('../../src/pages/authorization/asking') as typeof import('../../src/pages/authorization/asking')

const refused = (code: string, status: number): ApiError => new client.ApiError(code, status)

test('what is typed in groups and in small letters is the text of the code', () => {
  expect(asRequestText(' ehca1:ab12 cd34\n')).toBe('EHCA1:AB12CD34')
})

test.each([
  ['authorization.expired', 409, 'expired'],
  ['authorization.decided', 409, 'decided'],
  ['authorization.not_found', 404, 'wrong'],
  ['authorization.malformed', 422, 'wrong'],
  ['request.too_many', 429, 'error'],
  ['server.unavailable', 503, 'error'],
  ['network.offline', 0, 'offline'],
  ['network.timeout', 0, 'offline'],
])('%s (%i) leads to %s', (code, status, view) => {
  expect(viewAfter(refused(code, status))).toBe(view)
})
