import { computed, ref } from 'vue'
import { forget, keep, read } from './platform/storage'

/** Who is signed in on this phone. */

export interface Account {
  account_id: string
  phone_masked: string | null
}

export interface Session {
  token: string
  expires_at: string
  account: Account
}

const KEY = 'session'
/** Everything about the resident that may stay on the phone; it goes when the resident goes. */
const PERSONAL_KEYS = [KEY, 'cards']

const current = ref<Session | null>(read<Session>(KEY))

export const session = computed(() => current.value)
export const isSignedIn = computed(() => current.value !== null)

/** The number somebody typed to sign in, in memory only: nobody should have to write it twice. */
export const typedPhone = ref('')

export function beginSession(opened: Session): void {
  current.value = opened
  keep(KEY, opened)
}

/** The account changed while it was signed in. */
export function updateAccount(account: Account): void {
  if (current.value !== null) beginSession({ ...current.value, account })
}

export function endSession(): void {
  current.value = null
  typedPhone.value = ''
  PERSONAL_KEYS.forEach(forget)
}
