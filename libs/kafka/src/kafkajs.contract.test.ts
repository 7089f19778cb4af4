import { testKafkaBrokers } from '@millrace/testkit'
import { openKafkaSubject } from './contract/kafka-subject.ts'
import { logContract } from './contract/log-contract.ts'

logContract('kafkajs', () => openKafkaSubject(testKafkaBrokers()))
