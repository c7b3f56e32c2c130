import type { Ref } from 'vue'
import { getAppointment, type Appointment } from '../../api/appointments'

const LOOK_EVERY_MS = 2000
const UNSETTLED = ['holding', 'confirming']

export function isUnsettled(one: Appointment): boolean {
  return one.is_waiting || UNSETTLED.includes(one.state)
}

/** Looks again while the hospital, or a draw, has not said what becomes of a booking; a lost look is simply missed. */
export function useSettling(appointment: Ref<Appointment | null>) {
  let timer: ReturnType<typeof setInterval> | undefined

  async function look(): Promise<void> {
    const one = appointment.value
    if (one === null || !isUnsettled(one)) return stop()
    try {
      appointment.value = await getAppointment(one.appointment_id)
    } catch {
      return
    }
  }

  function follow(): void {
    stop()
    if (appointment.value !== null && isUnsettled(appointment.value)) timer = setInterval(() => void look(), LOOK_EVERY_MS)
  }

  function stop(): void {
    if (timer !== undefined) clearInterval(timer)
    timer = undefined
  }

  return { follow, stop }
}
