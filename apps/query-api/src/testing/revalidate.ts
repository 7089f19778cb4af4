import { request } from 'node:http'

/** The status of a GET that already has this ETag. (`fetch` would send Cache-Control: no-cache along and never get a 304.) */
export function revalidate(url: string, etag: string): Promise<number> {
  return new Promise((resolve, reject) => {
    request(url, { headers: { 'if-none-match': etag }, agent: false }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
      .once('error', reject)
      .end()
  })
}
