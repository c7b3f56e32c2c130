import type { PhonePlace } from '../api/visits'

/** Where the phone is, asked for at one tap and kept nowhere. Null: the resident or the phone said no. */

const TIMEOUT_MS = 8000

/** The mini-programs answer in the coordinates of Chinese maps. */
export function placeByPlatform(): Promise<PhonePlace | null> {
  return new Promise((resolve) => {
    uni.getLocation({
      type: 'gcj02',
      isHighAccuracy: true,
      highAccuracyExpireTime: TIMEOUT_MS,
      success: ({ latitude, longitude, accuracy }) => resolve({ latitude, longitude, accuracy_m: Number(accuracy) || 0, system: 'gcj02' }),
      fail: () => resolve(null),
    })
  })
}

/** Browsers answer in WGS-84. */
export function placeByBrowser(): Promise<PhonePlace | null> {
  return new Promise((resolve) => {
    if (navigator.geolocation === undefined) return resolve(null)
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => resolve({ latitude: coords.latitude, longitude: coords.longitude, accuracy_m: coords.accuracy, system: 'wgs84' }),
      () => resolve(null),
      { enableHighAccuracy: true, timeout: TIMEOUT_MS },
    )
  })
}
