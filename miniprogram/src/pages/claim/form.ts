import type { Claim, Need, RelationProof } from '../../api/claims'
import type { Relation } from '../../api/cards'
import { errorText, text } from '../../text'
import { ageOn, birthday, idNumberFault, isPhone, isPlausibleName, LIKE_RESIDENT_ID, normalIdNumber, normalName, normalPhone } from './checks'
import type { Draft } from './draft'

/** What a draft still lacks, field by field, and what is sent when it lacks nothing. Pure rules. */

export type Field =
  | 'name' | 'id_no' | 'gender' | 'birth' | 'phone' | 'phone_code' | 'bank_card_no' | 'physical_card_no'
  | 'proof' | 'proof_number' | 'consent_code' | 'consent_card' | 'guardianship' | 'photos' | 'agree'

export type Faults = Record<Field, string>

/** The parts of the page from top to bottom, by the id of each, with the fields in it. */
const SECTIONS: [string, Field[]][] = [
  ['claim-document', ['name', 'id_no', 'gender', 'birth', 'bank_card_no']],
  ['claim-phone', ['phone', 'phone_code', 'physical_card_no']],
  ['claim-proof', ['proof', 'proof_number', 'consent_code', 'consent_card', 'guardianship']],
  ['claim-photos', ['photos']],
  ['claim-agree', ['agree']],
]

/** The first part that has something to mend; null when nothing has. */
export function firstFaultyPart(faults: Faults): string | null {
  const found = SECTIONS.find(([, fields]) => fields.some((field) => faults[field] !== ''))
  return found === undefined ? null : found[0]
}

/** What the page asks for beyond name, number and phone. */
export interface Asked {
  needs: Need[]
  asksProof: boolean
  asksPhoneCode: boolean
  asksBankCard: boolean
  asksPhoto: boolean
}

export function noFaults(): Faults {
  return {
    name: '', id_no: '', gender: '', birth: '', phone: '', phone_code: '', bank_card_no: '', physical_card_no: '',
    proof: '', proof_number: '', consent_code: '', consent_card: '', guardianship: '', photos: '', agree: '',
  }
}

export function nameFault(draft: Draft): string {
  return isPlausibleName(normalName(draft.name)) ? '' : errorText('name.invalid')
}

export function numberFault(draft: Draft, today: Date): string {
  const number = normalIdNumber(draft.id_no)
  if (number === '') return draft.id_type === '01' ? errorText('document.invalid_number', 'length') : text.claim.numberMissing
  if (!LIKE_RESIDENT_ID.includes(draft.id_type)) return ''
  const fault = idNumberFault(number, today)
  return fault === null ? '' : errorText('document.invalid_number', fault)
}

/** Full years of the person the card is for; null while it is not known. */
export function ageOf(draft: Draft, today: Date): number | null {
  const number = normalIdNumber(draft.id_no)
  const told = LIKE_RESIDENT_ID.includes(draft.id_type) && idNumberFault(number, today) === null && number.length === 18
  const born_on = birthday(told ? number.slice(6, 14) : draft.birth, today)
  return born_on === null ? null : ageOn(born_on, today)
}

export function phoneFault(draft: Draft): string {
  return isPhone(normalPhone(draft.phone)) ? '' : errorText('phone.invalid')
}

export function faultsOf(draft: Draft, asked: Asked, today: Date): Faults {
  const words = text.claim
  const unless = (isThere: boolean, fault: string) => (isThere ? '' : fault)
  return {
    ...noFaults(),
    name: nameFault(draft),
    id_no: numberFault(draft, today),
    phone: phoneFault(draft),
    gender: unless(!asked.needs.includes('gender') || draft.gender >= 0, words.genderMissing),
    birth: unless(!asked.needs.includes('birth_on') || birthday(draft.birth, today) !== null, words.birthWrong),
    bank_card_no: unless(!asked.asksBankCard || draft.bank_card_no.trim() !== '', words.bankCardMissing),
    physical_card_no: unless(!draft.hasPhysicalCard || draft.physical_card_no.trim() !== '', words.physicalMissing),
    phone_code: unless(!asked.asksPhoneCode || (draft.phone_request_id !== '' && draft.phone_code.trim() !== ''), words.codeMissing),
    photos: unless(!asked.asksPhoto || draft.photos.length > 0, words.photoMissing),
    agree: unless(draft.isAgreed, words.agreeMissing),
    ...(asked.asksProof ? proofFaults(draft) : {}),
  }
}

function proofFaults(draft: Draft): Partial<Faults> {
  const words = text.claim
  switch (draft.proof) {
    case '':
      return { proof: words.proofChoose }
    case 'consent_sms':
      return draft.consent_request_id && draft.consent_code.trim() ? {} : { consent_code: words.codeMissing }
    case 'consent_card':
      return draft.consent_card ? {} : { consent_card: words.scanMissing }
    case 'guardianship':
      return draft.guardianship.length ? {} : { guardianship: words.guardianshipMissing }
    default:
      return draft.proof_number.trim() ? {} : { proof_number: words.proofNumberMissing }
  }
}

export function claimOf(draft: Draft, relation: Relation, asked: Asked, notice_version: string, today: Date): Claim {
  const claim: Claim = {
    name: normalName(draft.name),
    id_type: draft.id_type,
    id_no: normalIdNumber(draft.id_no),
    phone: normalPhone(draft.phone),
    relation,
    notice_version,
  }
  if (asked.needs.includes('gender')) claim.gender = draft.gender === 0 ? 'male' : 'female'
  if (asked.needs.includes('birth_on')) claim.birth_on = birthday(draft.birth, today) ?? undefined
  if (asked.asksBankCard) claim.bank_card_no = draft.bank_card_no.replace(/\s/g, '')
  if (draft.hasPhysicalCard) claim.physical_card_no = draft.physical_card_no.replace(/\s/g, '')
  if (asked.asksPhoneCode) claim.phone_code = { request_id: draft.phone_request_id, code: draft.phone_code.trim() }
  if (asked.asksProof) claim.relation_proof = proofOf(draft)
  if (draft.photos.length) claim.attachment_ids = draft.photos.map((photo) => photo.attachment_id)
  return claim
}

function proofOf(draft: Draft): RelationProof | undefined {
  switch (draft.proof) {
    case '':
      return undefined
    case 'consent_sms':
      return { kind: draft.proof, request_id: draft.consent_request_id, code: draft.consent_code.trim() }
    case 'consent_card':
      return { kind: draft.proof, code: draft.consent_card }
    case 'guardianship':
      return { kind: draft.proof, attachment_id: draft.guardianship[0].attachment_id }
    default:
      return { kind: draft.proof, number: draft.proof_number.replace(/\s/g, '').toUpperCase() }
  }
}

/** The field that a refusal of the server is about; null when it is about none. */
export function fieldOf(code: string, draft: Draft): Field | null {
  const fields: Record<string, Field> = {
    'name.invalid': 'name',
    'document.invalid_number': 'id_no',
    'document.unknown_type': 'id_no',
    'phone.invalid': 'phone',
    'phone.code_required': 'phone_code',
    'phone.code_wrong': 'phone_code',
    'document.contradicts': 'birth',
    'document.needs_particulars': 'birth',
    'bank_card.required': 'bank_card_no',
    'attachment.not_found': 'photos',
    'physical_card.refused': 'physical_card_no',
    'relation.proof_required': 'proof',
    'attachment.invalid': 'photos',
  }
  if (code === 'relation.proof_refused') {
    const bearer: Partial<Record<string, Field>> = { consent_sms: 'consent_code', consent_card: 'consent_card', guardianship: 'guardianship' }
    return bearer[draft.proof] ?? 'proof_number'
  }
  return fields[code] ?? null
}
