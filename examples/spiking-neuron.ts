// A real neuron beside an artificial one: leaky integrate-and-fire (Lapicque 1907). The artificial neuron relu(⟨w, x⟩ + b) drops three
// things: a state (the voltage v), spikes (events, not numbers) and time. What it keeps is how the rate of spikes rises from a threshold.
// Run: npx tsx --conditions=tenon-source examples/spiking-neuron.ts
import { compile, scan, type Tensor, tensor, zerosLike } from 'tenon'

// τ v′ = −v + RI; at the threshold the neuron spikes, and v is 0 again. In a turn of 0.02 ms v goes its exact way.
const [tau, threshold, turn] = [20e-3, 1, 0.02e-3]
const keeps = Math.exp(-turn / tau)

/** Voltages, turn by turn, and spikes a second (from the first to the last) of neurons with inputs RI [n]. */
const simulate = compile((input: Tensor) => {
  const none = zerosLike(input)
  const [end, voltages] = scan(
    ({ v, spikes, first, last, time }) => {
      const next = v.mul(keeps).add(input.mul(1 - keeps))
      const fires = next.greaterEqual(threshold)
      const now = time.add(turn)
      const after = {
        v: fires.where(0, next),
        spikes: spikes.add(fires.cast('float64')),
        first: fires.and(spikes.equal(0)).where(now, first),
        last: fires.where(now, last),
        time: now,
      }
      return [after, after.v]
    },
    { v: none, spikes: none, first: none, last: none, time: none },
    undefined,
    { length: 50_000 },
  )
  const rates = end.spikes.greater(1).where(end.spikes.sub(1).div(end.last.sub(end.first)), 0)
  return [voltages, rates] as const
})

const drives = [0.5, 0.9, 1.1, 1.5, 2, 3, 4, 6]
const input = tensor(Float64Array.from(drives))
const [voltages, rates] = simulate(input)
const simulated = await rates.data()

/** Between two spikes v climbs from 0 to the threshold, which takes τ ln(RI / (RI − threshold)). */
const exact = (drive: number) => (drive > threshold ? 1 / (tau * Math.log(drive / (drive - threshold))) : 0)
/** The artificial neuron with the weight and the bias to which the rate tends for large inputs. */
const artificial = await input
  .mul(1 / (tau * threshold))
  .sub(1 / (2 * tau))
  .relu()
  .data()

console.log('  RI / V_th   spikes/s   theory   artificial')
for (const [i, drive] of drives.entries()) {
  const columns = [drive / threshold, simulated[i], exact(drive), artificial[i]].map((x, k) =>
    x.toFixed(k === 0 ? 1 : 3),
  )
  console.log(columns.map((text, k) => text.padStart([11, 11, 9, 13][k])).join(''))
}

const bars = '▁▂▃▄▅▆▇█'
const trace = await voltages.slice([0, 3500, 50]).at(drives.indexOf(2), 1).data()
console.log(`v for RI = 2 V_th, 70 ms: ${[...trace].map((v) => bars[Math.floor((v / threshold) * 8)]).join('')}`)
