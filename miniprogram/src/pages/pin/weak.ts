/** Numbers that are tried first: the same digit, or a run up or down. The server refuses them too. */
export function isWeakPin(pin: string): boolean {
  const steps = [...pin].slice(1).map((digit, index) => Number(digit) - Number(pin[index]))
  return [0, 1, -1].some((step) => steps.every((taken) => taken === step))
}
