import type { Message } from '../../api/messages'
import { moment } from '../../text'

/** What a receipt of a used card says; null for any other message. */
export interface Receipt {
  where: string
  when: string
  what: string
}

export function receiptOf(message: Message, now_ms: number): Receipt | null {
  if (message.kind !== 'card_used') return null
  const words = (name: string) => (typeof message.data[name] === 'string' ? (message.data[name] as string) : '')
  return {
    where: [words('institution'), words('place')].filter((part) => part !== '').join('，'),
    when: moment(words('verified_at') || message.created_at, now_ms),
    what: words('scene_name') || words('scene'),
  }
}
