const escapeHtml = (text: string): string =>
  text.replace(
    /[&<>"']/g,
    (char) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' })[char] ?? char,
  )

/** What a person sees who opens the relay's address in a browser. */
export function homePage(name: string, description: string, url: string): string {
  const [title, about, address] = [name, description, url].map(escapeHtml)
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>body{font:1.1rem/1.6 system-ui,sans-serif;max-width:36rem;margin:4rem auto;padding:0 1rem;color-scheme:light dark}</style>
<h1>${title}</h1>
<p>${about}</p>
<p>This is a <a href="https://nostr.com">Nostr</a> relay. Add <code>${address}</code> to the relays of your client.</p>
</html>
`
}
