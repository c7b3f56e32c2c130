import type { PlatformLogin } from '../platform/platform'
import type { Account, Session } from '../session'
import { call, newIdempotencyKey } from './client'

export interface SmsCode {
  request_id: string
  expires_at: string
  resend_after_s: number
}

/** A code works for its purpose only. */
export type SmsPurpose = 'sign_in' | 'phone' | 'consent'

export function requestSmsCode(phone: string, purpose: SmsPurpose = 'sign_in'): Promise<SmsCode> {
  const named = purpose === 'sign_in' ? {} : { purpose }
  return call({ method: 'POST', path: '/sms-codes', body: { phone, ...named } })
}

export function signInBySms(phone: string, code: string, request_id: string | null): Promise<Session> {
  const request = request_id === null ? {} : { request_id }
  return call({ method: 'POST', path: '/sessions', body: { method: 'sms', phone, code, ...request } })
}

export function signInByPlatform(login: PlatformLogin): Promise<Session> {
  return call({ method: 'POST', path: '/sessions', body: { ...login } })
}

export function signOut(): Promise<void> {
  return call({ method: 'DELETE', path: '/sessions/current' })
}

/** Proves the phone of an account that has none, or changes it. */
export function putPhone(phone: string, code: string, request_id: string): Promise<Account> {
  return call({ method: 'PUT', path: '/account/phone', body: { phone, code, request_id }, idempotencyKey: newIdempotencyKey() })
}
