/** The order in which a browser is looked for, without one being started. */
import { describe, expect, it, vi } from 'vitest'
import { type BrowserSearch, candidatePaths, findBrowser } from './find.ts'
import { browserFlags } from './launch.ts'

function search(programs: string[], more: Partial<BrowserSearch> = {}): BrowserSearch {
  return {
    platform: 'linux',
    environment: { PATH: '/a:/b' },
    isProgram: (path) => programs.includes(path),
    playwrightPath: () => '/pw/chrome',
    installers: [],
    ...more,
  }
}

describe('finding a browser', () => {
  it('takes --browser, then CHROME_PATH, then what is installed, then Playwright’s', async () => {
    const all = ['/x', '/y', '/b/chromium', '/pw/chrome']
    const environment = { PATH: '/a:/b', CHROME_PATH: '/y' }
    expect(await findBrowser('/x', search(all, { environment }))).toBe('/x')
    expect(await findBrowser(undefined, search(all, { environment }))).toBe('/y')
    expect(await findBrowser(undefined, search(all))).toBe('/b/chromium')
    expect(await findBrowser(undefined, search(['/pw/chrome']))).toBe('/pw/chrome')
  })

  it('does not silently replace a named browser that is not there', async () => {
    await expect(findBrowser('/nope', search(['/b/chromium']))).rejects.toMatchObject({
      code: 'NO_BROWSER',
      message: expect.stringContaining('--browser is /nope'),
    })
    const environment = { PATH: '/b', CHROME_PATH: '/gone' }
    await expect(findBrowser(undefined, search(['/b/chromium'], { environment }))).rejects.toThrow(
      /CHROME_PATH is \/gone/,
    )
  })

  it('prefers Chrome to Chromium to Edge, wherever they lie', async () => {
    expect(await findBrowser(undefined, search(['/a/microsoft-edge', '/a/chromium', '/b/google-chrome']))).toBe(
      '/b/google-chrome',
    )
  })

  it('installs one by the first way that works, and only when there is none', async () => {
    const first = vi.fn(async () => null)
    const second = vi.fn(async () => '/new/chrome')
    const installers = [first, second]
    expect(await findBrowser(undefined, search(['/new/chrome'], { installers }))).toBe('/new/chrome')
    expect(first).toHaveBeenCalledOnce()
    await findBrowser(undefined, search(['/b/chromium'], { installers }))
    expect(second).toHaveBeenCalledOnce()
  })

  it('says what to install when nothing helps', async () => {
    await expect(findBrowser(undefined, search([]))).rejects.toThrow(
      /install Google Chrome, Chromium or Microsoft Edge/,
    )
  })

  it('knows the places of macOS and Windows', () => {
    expect(candidatePaths({ platform: 'darwin', environment: { HOME: '/u' } })).toEqual(
      expect.arrayContaining([
        '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
        '/u/Applications/Chromium.app/Contents/MacOS/Chromium',
      ]),
    )
    expect(candidatePaths({ platform: 'win32', environment: { PROGRAMFILES: 'C:\\P' } })).toContain(
      'C:\\P\\Google\\Chrome\\Application\\chrome.exe',
    )
  })
})

it('offers the software adapter only when told to, and Vulkan only where a GPU is', () => {
  expect(browserFlags({ softwareWebGpu: false }, false).join(' ')).not.toMatch(/swiftshader|vulkan/i)
  expect(browserFlags({ softwareWebGpu: true }, true)).toContain('--use-webgpu-adapter=swiftshader')
  expect(browserFlags({ softwareWebGpu: false }, true)).toContain('--enable-features=Vulkan')
})
