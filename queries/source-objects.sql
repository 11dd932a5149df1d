-- title: Source objects
-- question: Which objects does the lake consist of, and was each taken whole?
-- column source_object: the object's key
-- column etag: its ETag, or the hash of a local file's content
-- column bytes: its size
-- column records_read: records in it
-- column faulted: those that could not be kept
-- column is_whole: whether it was read to its end
SELECT
    source_object,
    etag,
    bytes,
    records_read,
    faulted,
    error IS NULL AS is_whole
FROM ingest_objects
ORDER BY source_object, etag
