import { computed, ref } from 'vue'
import { newIdempotencyKey } from './api/client'
import { countCredit, getMessageTemplates, type MessageTemplates } from './api/reminders'
import { platform } from './platform'
import { wantedAt } from './prompts'
import { isSignedIn } from './session'

/**
 * Asking whether messages may be sent, at a tap that is made anyway. The list is fetched beforehand, because the
 * platforms show the prompt only in the tap itself; whatever comes of it, the task goes on.
 */
export function useCredits(tap: string | null) {
  const known = ref<MessageTemplates | null>(null)
  const wanted = computed(() => (platform.askMessages === null ? [] : wantedAt(known.value?.templates ?? [], tap)))

  async function load(): Promise<void> {
    if (platform.askMessages === null || !isSignedIn.value) return
    try {
      known.value = await getMessageTemplates()
    } catch {
      // Nobody is asked then: the inbox has the messages all the same.
    }
  }

  /** Called in the tap, before anything is waited for. Never fails, and asks nothing where nothing is wanted. */
  async function ask(): Promise<void> {
    if (platform.askMessages === null || wanted.value.length === 0) return
    const answers = await platform.askMessages(wanted.value)
    const counted = Object.entries(answers).map(([template_id, accepted]) => countCredit(template_id, accepted, newIdempotencyKey()))
    void Promise.allSettled(counted).then(load)
  }

  return { known, wanted, load, ask }
}
