export { SubscriptionIndex, type SubscriptionIndexOptions, weightOf } from './subscription-index.ts'
