import { computed, ref } from 'vue'
import { asApiError } from '../../api/client'
import { getClaimOptions, type ClaimOptions, type Need, type ProofKind } from '../../api/claims'
import type { Relation } from '../../api/cards'
import { text } from '../../text'

/** What may be claimed here. The resident's own ID card always may: the form does not wait to ask for it. */

const MAX_BYTES = 900 * 1024
const ADULT_YEARS = 18
const known = ref<ClaimOptions | null>(null)

export function useClaimOptions() {
  const failure = ref('')

  async function load(): Promise<void> {
    try {
      known.value = await getClaimOptions()
      failure.value = ''
    } catch (reason) {
      failure.value = asApiError(reason).code
    }
  }

  /** The ID card first, whatever order the server has; types without a name here are not offered. */
  const documents = computed(() => {
    const types = known.value?.documents.map((document) => document.id_type) ?? ['01']
    return types.filter((type) => type in text.claim.documents).sort()
  })

  const needsOf = (id_type: string): Need[] => known.value?.documents.find((document) => document.id_type === id_type)?.needs ?? []

  /** What shows the relation, by the age of the person the card is for; while it is not known, the usual one. */
  function proofsOf(relation: Relation, age: number | null): ProofKind[] {
    const ways = known.value?.relations[relation]
    const isAdult = age === null ? relation === 'parent' : age >= ADULT_YEARS
    const proofs = (isAdult ? ways?.proofs_of_adult : ways?.proofs) ?? []
    return proofs
  }

  return {
    known,
    failure,
    load,
    documents,
    needsOf,
    proofsOf,
    requiresPhoto: (kind: string) => known.value?.attachments.required_for.includes(kind) ?? false,
    takesPhotos: computed(() => known.value !== null),
    maxBytes: computed(() => Math.min(known.value?.attachments.max_bytes ?? MAX_BYTES, MAX_BYTES)),
    asksBankCard: computed(() => known.value?.sources_needed.includes('bank_card') ?? false),
  }
}
