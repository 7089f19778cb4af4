import { describedEndpoints } from './described-endpoints.ts'
import { openApiDocument } from './openapi-document.ts'

// `npm run docs` writes what this prints to docs/openapi.json.
process.stdout.write(openApiDocument(describedEndpoints()))
