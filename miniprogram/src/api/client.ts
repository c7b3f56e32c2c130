import { deviceId, unlikelyTwice } from '../platform/device'
import { isOnline } from '../platform/network'
import { endSession, session } from '../session'

/** Requests to the resident API. Personal data travels in bodies only, never in an address. */

const BASE = `${import.meta.env.VITE_API_BASE ?? ''}/api/v1`
const TIMEOUT_MS = 10_000
/** A photo over a village's network. */
const UPLOAD_TIMEOUT_MS = 60_000

/** Anything but success: `code` is the server's, or network.offline, .timeout, .unreachable, or server.unavailable. */
export class ApiError extends Error {
  constructor(
    readonly code: string,
    readonly status: number,
    readonly detail: Record<string, unknown> = {},
    readonly retry_after_s: number | null = null,
  ) {
    super(code)
  }

  /** The server was not reached at all. */
  get isNetwork(): boolean {
    return this.code.startsWith('network.')
  }
}

interface Call {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  path: string
  body?: Record<string, unknown>
  /** Instead of a body: the picture as it is. */
  picture?: { bytes: ArrayBuffer; media_type: string }
  /** The same for every attempt at the same thing, so that a second attempt changes nothing. */
  idempotencyKey?: string
}

export function call<T>({ method, path, body, picture, idempotencyKey }: Call): Promise<T> {
  const token = session.value?.token
  const header: Record<string, string> = { 'X-Device-Id': deviceId }
  if (token) header.Authorization = `Bearer ${token}`
  if (picture) header['Content-Type'] = picture.media_type
  else if (body) header['Content-Type'] = 'application/json'
  if (idempotencyKey) header['Idempotency-Key'] = idempotencyKey
  return new Promise<T>((resolve, reject) => {
    uni.request({
      url: BASE + path,
      method,
      header,
      data: picture ? picture.bytes : body,
      timeout: picture ? UPLOAD_TIMEOUT_MS : TIMEOUT_MS,
      success: (answer) => {
        if (answer.statusCode >= 200 && answer.statusCode < 300) {
          resolve(answer.data as T)
          return
        }
        const error = refusal(answer.statusCode, answer.data, answer.header)
        // Another sign-in may have begun while this call was under way: only its own token has ended.
        if (error.code === 'session.missing' && token && token === session.value?.token) endSession()
        reject(error)
      },
      fail: (reason) => reject(unreached(reason?.errMsg ?? '')),
    })
  })
}

function refusal(status: number, data: unknown, header: Record<string, string> | undefined): ApiError {
  const error = (data as { error?: { code?: unknown; detail?: unknown } } | null)?.error
  const code = typeof error?.code === 'string' ? error.code : 'server.unavailable'
  const retry = Object.entries(header ?? {}).find(([name]) => name.toLowerCase() === 'retry-after')
  return new ApiError(
    code,
    status,
    (error?.detail ?? {}) as Record<string, unknown>,
    retry && Number(retry[1]) >= 0 ? Number(retry[1]) : null,
  )
}

function unreached(message: string): ApiError {
  if (!isOnline.value) return new ApiError('network.offline', 0)
  return new ApiError(/time\s?out/i.test(message) ? 'network.timeout' : 'network.unreachable', 0)
}

/** A key for one thing the resident does; it is no secret, only unlikely to be used twice. */
export const newIdempotencyKey = unlikelyTwice

export function asApiError(reason: unknown): ApiError {
  return reason instanceof ApiError ? reason : new ApiError('server.unavailable', 0)
}
