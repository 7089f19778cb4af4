export { SubscriptionIndex, type SubscriptionIndexOptions } from './subscription-index.ts'
