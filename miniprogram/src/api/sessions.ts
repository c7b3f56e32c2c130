import type { PlatformLogin } from '../platform/platform'
import type { Session } from '../session'
import { call } from './client'

export interface SmsCode {
  request_id: string
  expires_at: string
  resend_after_s: number
}

export function requestSmsCode(phone: string): Promise<SmsCode> {
  return call({ method: 'POST', path: '/sms-codes', body: { phone } })
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
