import { reactive, watch } from 'vue'
import type { Photo } from '../../components/photo-picker.vue'
import type { ProofKind } from '../../api/claims'
import type { Relation } from '../../api/cards'
import { isSignedIn, typedPhone } from '../../session'

/**
 * What is being filled in, one for each relation. It lives in memory only: going back, an error or a lost
 * network loses nothing, and no document number is ever written to the phone.
 */
export interface Draft {
  id_type: string
  name: string
  id_no: string
  /** 0 male, 1 female, -1 not yet. */
  gender: number
  birth: string
  phone: string
  bank_card_no: string
  hasPhysicalCard: boolean
  physical_card_no: string
  /** A text message to `phone`, to prove it. */
  phone_code: string
  phone_request_id: string
  proof: ProofKind | ''
  proof_number: string
  /** A text message to `phone`, with which its holder agrees. */
  consent_code: string
  consent_request_id: string
  /** The adult's own dynamic code, scanned. */
  consent_card: string
  guardianship: Photo[]
  photos: Photo[]
  isAgreed: boolean
}

function empty(): Draft {
  return {
    id_type: '01', name: '', id_no: '', gender: -1, birth: '', phone: '', bank_card_no: '',
    hasPhysicalCard: false, physical_card_no: '', phone_code: '', phone_request_id: '',
    proof: '', proof_number: '', consent_code: '', consent_request_id: '', consent_card: '',
    guardianship: [], photos: [], isAgreed: false,
  }
}

const drafts = reactive<Record<Relation, Draft>>({ self: empty(), child: empty(), parent: empty(), ward: empty() })

export function draftFor(relation: Relation): Draft {
  return drafts[relation]
}

/** A parent has a phone of their own; everybody else is reached where the one who signed in is. */
export function offerTypedPhone(relation: Relation): void {
  const draft = drafts[relation]
  if (draft.phone === '' && relation !== 'parent') draft.phone = typedPhone.value
}

export function forgetDraft(relation: Relation): void {
  Object.assign(drafts[relation], empty())
}

watch(isSignedIn, (signedIn) => {
  if (!signedIn) (Object.keys(drafts) as Relation[]).forEach(forgetDraft)
})
