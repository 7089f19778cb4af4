/**
 * The embedded server's config file: bounded memory, enough background threads, no logs in tables.
 * @param {{ usersFile: string, memoryBytesMax: number }} options
 * @returns {string}
 */
export const configXml = ({ usersFile, memoryBytesMax }) => `<clickhouse>
  <max_server_memory_usage>${memoryBytesMax}</max_server_memory_usage>
  <!-- The embedded defaults of 2 stop merges under load. -->
  <background_pool_size>8</background_pool_size>
  <background_schedule_pool_size>32</background_schedule_pool_size>
  <background_fetches_pool_size>1</background_fetches_pool_size>
  <background_common_pool_size>4</background_common_pool_size>
  <!-- A table at rest looks for parts to remove this often, seconds; by default up to ten minutes, in which erased rows are on disk. -->
  <background_processing_pool_task_sleep_seconds_when_no_work_min>1</background_processing_pool_task_sleep_seconds_when_no_work_min>
  <background_processing_pool_task_sleep_seconds_when_no_work_max>5</background_processing_pool_task_sleep_seconds_when_no_work_max>
  <mark_cache_size>536870912</mark_cache_size>
  <uncompressed_cache_size>0</uncompressed_cache_size>
  <max_concurrent_queries>200</max_concurrent_queries>
  <max_connections>1024</max_connections>
  <keep_alive_timeout>60</keep_alive_timeout>
  <asynchronous_metrics_update_period_s>60</asynchronous_metrics_update_period_s>
  <access_control_improvements>
    <users_without_row_policies_can_read_rows>true</users_without_row_policies_can_read_rows>
    <select_from_system_db_requires_grant>true</select_from_system_db_requires_grant>
    <settings_constraints_replace_previous>true</settings_constraints_replace_previous>
  </access_control_improvements>
  <users_config>${usersFile}</users_config>
  <user_directories><users_xml><path>${usersFile}</path></users_xml></user_directories>
</clickhouse>
`
