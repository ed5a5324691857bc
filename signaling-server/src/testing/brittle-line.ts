/**
 * A TCP proxy whose line can go silent (frozen machine) or break (garbage, cut).
 * Not for: anything but tests.
 */
import { createServer as createTcpServer, type Socket as TcpSocket, connect as tcpConnect } from 'node:net'
import { onTestFinished } from 'vitest'

export async function brittleLine(port: number) {
  const pairs: Array<[TcpSocket, TcpSocket]> = []
  const proxy = createTcpServer((near) => {
    const far = tcpConnect(port, '127.0.0.1')
    near.pipe(far).pipe(near)
    for (const end of [near, far]) end.on('error', () => undefined)
    pairs.push([near, far])
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const end of pairs.flat()) end.destroy()
    proxy.close()
  })
  const address = proxy.address()
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    freeze: () => {
      for (const [near, far] of pairs) {
        near.unpipe(far)
        far.unpipe(near)
      }
    },
    /** Only the client learns that the line is gone. */
    hangUp: () => {
      for (const [near] of pairs) near.destroy()
    },
    cut: () => {
      for (const end of pairs.splice(0).flat()) end.destroy()
    },
    /** Bytes that are no WebSocket frame: a transport error, where a plain end would be a transport close. */
    garble: () => {
      for (const [, far] of pairs) far.write(Buffer.from([0xff, 0xff, 0xff, 0xff]))
    },
  }
}
