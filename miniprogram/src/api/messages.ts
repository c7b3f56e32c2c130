import { call } from './client'

export interface Message {
  message_id: string
  /** card_ready, card_refused, card_used; later kinds are shown by their title and text. */
  kind: string
  title: string
  text: string
  created_at: string
  read_at: string | null
  data: Record<string, unknown>
}

export interface MessagePage {
  messages: Message[]
  next_cursor: string | null
}

export const PAGE_SIZE = 20

export function listMessages(cursor: string | null): Promise<MessagePage> {
  const from = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`
  return call({ method: 'GET', path: `/messages?limit=${PAGE_SIZE}${from}` })
}

export function markRead(message_id: string): Promise<void> {
  return call({ method: 'POST', path: `/messages/${encodeURIComponent(message_id)}/read` })
}

/** "It was not me": stops the card and reports the use. */
export function objectTo(message_id: string, idempotencyKey: string): Promise<{ card_id: string }> {
  return call({ method: 'POST', path: `/messages/${encodeURIComponent(message_id)}/objection`, body: {}, idempotencyKey })
}
