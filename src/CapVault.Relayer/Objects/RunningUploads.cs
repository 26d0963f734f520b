using CapVault.Relayer.Http;
using CapVault.Sdk;

namespace CapVault.Relayer.Objects;

/// <summary>
/// Uploads that are coming in now: one at a time per object, and what they may become counts against their agent's quota before it is there.
/// </summary>
public sealed class RunningUploads
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, (string AgentId, long Bytes)> _uploads = new(StringComparer.Ordinal);

    /// <summary>Enters an upload.</summary>
    /// <returns>To be disposed when it has ended.</returns>
    /// <exception cref="ApiException">409 while another one to the same object runs.</exception>
    public IDisposable Enter(ObjectRow row, long bytes)
    {
        lock (_lock)
        {
            return _uploads.TryAdd(row.ObjectKey, (row.AgentId, bytes))
                ? new Entry(this, row.ObjectKey)
                : throw ApiException.State(
                    ErrorCodes.InvalidState, "Another upload over this link is running. Wait for its end, then repeat.", new { row.ObjectKey }, retryable: true);
        }
    }

    /// <summary>Bytes that an agent's running uploads may come to.</summary>
    public long BytesOf(string agentId)
    {
        lock (_lock)
        {
            return _uploads.Values.Where(upload => upload.AgentId == agentId).Sum(upload => upload.Bytes);
        }
    }

    private sealed class Entry(RunningUploads uploads, string objectKey) : IDisposable
    {
        public void Dispose()
        {
            lock (uploads._lock)
            {
                uploads._uploads.Remove(objectKey);
            }
        }
    }
}
