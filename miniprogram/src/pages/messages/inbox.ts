import { ref } from 'vue'
import { ApiError, asApiError } from '../../api/client'
import { listMessages, markRead, type Message } from '../../api/messages'
import { isSignedIn } from '../../session'

export type InboxView = 'signed-out' | 'loading' | 'empty' | 'error' | 'offline' | 'list'

/** The message that another page is to speak of. */
export const openMessage = ref<Message | null>(null)

/** The inbox, newest first. A list once seen stays when the network goes; `isOld` then says so. */
export function useInbox() {
  const view = ref<InboxView>('loading')
  const messages = ref<Message[]>([])
  const failure = ref<ApiError | null>(null)
  const moreFailure = ref<ApiError | null>(null)
  const isOld = ref(false)
  const isLoadingMore = ref(false)
  const cursor = ref<string | null>(null)

  async function load(): Promise<void> {
    if (!isSignedIn.value) return leave()
    if (messages.value.length === 0) view.value = 'loading'
    try {
      const page = await listMessages(null)
      messages.value = page.messages
      cursor.value = page.next_cursor
      isOld.value = false
      view.value = page.messages.length === 0 ? 'empty' : 'list'
    } catch (reason) {
      failure.value = asApiError(reason)
      if (!isSignedIn.value) return leave()
      isOld.value = messages.value.length > 0
      view.value = isOld.value ? 'list' : failure.value.isNetwork ? 'offline' : 'error'
    }
  }

  /** What came since, put on top; what is shown stays as it is, and a failure is nobody's news. */
  async function lookAgain(): Promise<void> {
    if (!isSignedIn.value || (view.value !== 'list' && view.value !== 'empty')) return
    try {
      const known = new Set(messages.value.map((message) => message.message_id))
      const page = await listMessages(null)
      messages.value.unshift(...page.messages.filter((message) => !known.has(message.message_id)))
      if (messages.value.length > 0) view.value = 'list'
    } catch {
      return
    }
  }

  async function loadMore(): Promise<void> {
    if (cursor.value === null || isLoadingMore.value) return
    isLoadingMore.value = true
    moreFailure.value = null
    try {
      const page = await listMessages(cursor.value)
      const known = new Set(messages.value.map((message) => message.message_id))
      messages.value.push(...page.messages.filter((message) => !known.has(message.message_id)))
      cursor.value = page.next_cursor
    } catch (reason) {
      moreFailure.value = asApiError(reason)
    } finally {
      isLoadingMore.value = false
    }
  }

  /** The mark goes at once; if the server does not hear of it, the message is simply unread next time. */
  async function read(message: Message): Promise<void> {
    if (message.read_at !== null) return
    message.read_at = new Date().toISOString()
    try {
      await markRead(message.message_id)
    } catch {
      message.read_at = null
    }
  }

  function leave(): void {
    messages.value = []
    cursor.value = null
    view.value = 'signed-out'
  }

  return { view, messages, failure, moreFailure, isOld, isLoadingMore, cursor, load, lookAgain, loadMore, read }
}
