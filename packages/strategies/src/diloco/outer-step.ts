/**
 * The outer optimizer: SGD with momentum on host arrays, the pseudo-gradient taken for a gradient (as torch.optim.SGD
 * with dampening 0). Float32 stored, float64 in between, no function that differs between browsers.
 *   b ← μ·b + Δ;  d ← nesterov ? Δ + μ·b : b;  θ ← θ − η·d
 */

export interface OuterOptions {
  outerLr: number
  outerMomentum: number
  nesterov: boolean
}

/** Moves `weights` by the averaged pseudo-gradient `delta`, and `momentum` with them; all of one length. */
export function outerStep(
  weights: Float32Array,
  delta: Float32Array,
  momentum: Float32Array,
  { outerLr, outerMomentum, nesterov }: OuterOptions,
): void {
  for (let i = 0; i < weights.length; i++) {
    const gradient = delta[i] as number
    const buffer = outerMomentum * (momentum[i] as number) + gradient
    momentum[i] = buffer
    const direction = nesterov ? gradient + outerMomentum * buffer : buffer
    weights[i] = (weights[i] as number) - outerLr * direction
  }
}
