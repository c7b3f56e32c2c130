import { ageOn, birthday, checkCharacter } from '../../src/pages/claim/checks'
import type { Draft } from '../../src/pages/claim/draft'
import { ageOf, claimOf, faultsOf, fieldOf, type Asked } from '../../src/pages/claim/form'
import { chooseCard } from '../../src/pages/cards/lifetime'
import { isWeakPin } from '../../src/pages/pin/weak'
import { mediaTypeOf } from '../../src/platform/pictures'
import type { Card } from '../../src/api/cards'

const TODAY = new Date('2026-11-22T04:00:00Z')
const withCheck = (first17: string) => first17 + checkCharacter(first17)
const ASKED: Asked = { needs: [], asksProof: false, asksPhoneCode: false, asksBankCard: false, asksPhoto: false }
const DRAFT: Draft = {
  id_type: '01', name: '李华', id_no: withCheck('99010120150101123'), gender: -1, birth: '', phone: '13900010001', bank_card_no: '',
  hasPhysicalCard: false, physical_card_no: '', phone_code: '', phone_request_id: '', proof: '', proof_number: '',
  consent_code: '', consent_request_id: '', consent_card: '', guardianship: [], photos: [], isAgreed: true,
}
const faulty = (draft: Draft, asked: Asked) => Object.entries(faultsOf(draft, asked, TODAY)).filter(([, fault]) => fault).map(([field]) => field)

test.each([
  ['19530618', '1953-06-18'],
  ['1953-6-18', '1953-06-18'],
  ['１９５３年6月18日', '1953-06-18'],
  ['19530231', null],
  ['20300101', null],
  ['530618', null],
])('%s is the birthday %s', (typed, told) => expect(birthday(typed, TODAY)).toBe(told))

test('a year is full on the birthday', () => {
  expect(ageOn('2008-11-22', TODAY)).toBe(18)
  expect(ageOn('2008-11-23', TODAY)).toBe(17)
  expect(ageOf(DRAFT, TODAY)).toBe(11)
  expect(ageOf({ ...DRAFT, id_no: '12' }, TODAY)).toBeNull()
  expect(ageOf({ ...DRAFT, id_type: '03', id_no: 'E1', birth: '20000101' }, TODAY)).toBe(26)
})

test('nothing is asked for that the document tells', () => {
  expect(faulty(DRAFT, ASKED)).toEqual([])
  const passport = { ...DRAFT, id_type: '03', id_no: 'E99000001' }
  expect(faulty(passport, { ...ASKED, needs: ['gender', 'birth_on'] })).toEqual(['gender', 'birth'])
  expect(claimOf(DRAFT, 'self', ASKED, 'v', TODAY)).toEqual({
    name: '李华', id_type: '01', id_no: DRAFT.id_no, phone: '13900010001', relation: 'self', notice_version: 'v',
  })
})

test.each([
  ['', 'proof'],
  ['birth_certificate', 'proof_number'],
  ['consent_sms', 'consent_code'],
  ['consent_card', 'consent_card'],
  ['guardianship', 'guardianship'],
] as const)('the proof %s lacks its %s', (proof, field) => {
  expect(faulty({ ...DRAFT, proof }, { ...ASKED, asksProof: true })).toEqual([field])
  if (proof) expect(fieldOf('relation.proof_refused', { ...DRAFT, proof })).toBe(field)
})

test('each proof is sent in its own form, and only one', () => {
  const family: Asked = { ...ASKED, asksProof: true }
  const sent = (draft: Partial<Draft>) => claimOf({ ...DRAFT, ...draft }, 'child', family, 'v', TODAY).relation_proof
  expect(sent({ proof: 'household_register', proof_number: ' 99 01x ', consent_card: 'c' })).toEqual({ kind: 'household_register', number: '9901X' })
  expect(sent({ proof: 'consent_sms', consent_request_id: 'r', consent_code: ' 123456 ' })).toEqual({ kind: 'consent_sms', request_id: 'r', code: '123456' })
  expect(sent({ proof: 'guardianship', guardianship: [{ attachment_id: 'a', source: '' }] })).toEqual({ kind: 'guardianship', attachment_id: 'a' })
})

test('numbers that are tried first are no PIN', () => {
  for (const pin of ['111111', '123456', '987654']) expect(isWeakPin(pin)).toBe(true)
  for (const pin of ['290715', '112233', '123465']) expect(isWeakPin(pin)).toBe(false)
})

test('a picture is what its first bytes say', () => {
  expect(mediaTypeOf(new Uint8Array([0xff, 0xd8, 0xff, 0xe0]).buffer)).toBe('image/jpeg')
  expect(mediaTypeOf(new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]).buffer)).toBe('image/png')
  expect(mediaTypeOf(new TextEncoder().encode('%PDF-1.7').buffer as ArrayBuffer)).toBeNull()
  expect(mediaTypeOf(new ArrayBuffer(0))).toBeNull()
})

test('the chosen card is shown; without a choice the own one before a child of the same state', () => {
  const card = (card_id: string, relation: string, status: string) => ({ card_id, relation, status, claimed_at: card_id }) as unknown as Card
  const cards = [card('3', 'child', 'active'), card('1', 'self', 'active'), card('2', 'parent', 'lost')]
  expect(chooseCard(cards)?.card_id).toBe('1')
  expect(chooseCard(cards, '2')?.card_id).toBe('2')
  expect(chooseCard(cards, 'gone')?.card_id).toBe('1')
})
