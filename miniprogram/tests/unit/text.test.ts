import { errorText } from '../../src/text/errors'
import { dayShort, moment } from '../../src/text/moments'
import { claimNotice } from '../../src/text'

const NOW_MS = Date.parse('2026-08-01T00:00:00Z')

test.each([
  ['2026-08-03T01:05:00Z', '8月3日 周一 上午9:05'],
  ['2026-08-03T01:00:00Z', '8月3日 周一 上午9点'],
  ['2026-08-03T04:30:00Z', '8月3日 周一 中午12:30'],
  ['2026-08-03T07:20:00Z', '8月3日 周一 下午3:20'],
  ['2026-08-02T16:10:00Z', '8月3日 周一 上午0:10'],
  ['2025-12-31T15:59:00Z', '2025年12月31日 周三 下午11:59'],
])('%s is said as %s', (at, said) => {
  expect(moment(at, NOW_MS)).toBe(said)
})

test('a calendar of two weeks names the month where it begins', () => {
  const days = ['2026-08-01', '2026-08-02', '2026-09-01']
  expect(days.map((on) => dayShort(on, NOW_MS))).toEqual([['今天', '8/1'], ['周日', '2日'], ['周二', '9/1']])
})

test('each error of the contract has a sentence of its own', () => {
  const codes = [
    'network.offline', 'network.unreachable', 'network.timeout', 'server.unavailable', 'sms.too_many', 'login.code_wrong', 'login.refused',
    'login.unavailable', 'name.invalid', 'document.invalid_number', 'phone.invalid', 'identity.mismatch',
    'notice.unknown_version', 'card.held_by_another_account', 'card.not_active',
  ]
  const sentences = codes.map((code) => errorText(code))
  expect(new Set(sentences).size).toBe(codes.length)
  expect(sentences).not.toContain(errorText('something.new'))
  const reasons = ['length', 'characters', 'date', 'checksum', 'region'].map((r) => errorText('document.invalid_number', r))
  expect(new Set([...reasons, errorText('document.invalid_number')]).size).toBe(6)
})

test('the notice has a version and says what may be asked of it', () => {
  expect(claimNotice.version).toMatch(/^\d{4}-\d{2}$/)
  for (const word of ['姓名', '身份证号码', '手机号码', '注销', '收回同意']) expect(claimNotice.text).toContain(word)
})
