import { ref } from 'vue'
import { listMessages, PAGE_SIZE } from '../../api/messages'

/** Unread messages as words for a badge: empty when there are none or nobody knows. */
export function useUnread() {
  const unread = ref('')

  async function refresh(): Promise<void> {
    try {
      const count = (await listMessages(null)).messages.filter((message) => message.read_at === null).length
      unread.value = count === 0 ? '' : count === PAGE_SIZE ? `${PAGE_SIZE}+` : String(count)
    } catch {
      unread.value = ''
    }
  }

  return { unread, refresh }
}
