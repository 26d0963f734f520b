using CapVault.Sdk.Transport;

namespace CapVault.Sdk;

// The relayer itself: for operators' keys with the scope admin.
public sealed partial class SetupClient
{
    /// <summary>How the relayer is doing.</summary>
    public Task<RelayerStatus> GetStatusAsync(CancellationToken cancellationToken = default) =>
        _api.GetAsync<RelayerStatus>("relayer/status", cancellationToken);

    /// <summary>Its operations, newest first.</summary>
    public Task<Page<OperationView>> ListOperationsAsync(ListOperationsRequest filter, CancellationToken cancellationToken = default) =>
        _api.GetPageAsync<OperationView>($"relayer/ops{Paths.Query(filter)}", cancellationToken);

    /// <summary>Lets the relayer take no new work: it still answers reads and serves streams, and finishes what it has promised. It is over with
    /// <see cref="ResumeAsync"/>, or when the process starts again.</summary>
    public Task<DrainResult> DrainAsync(CancellationToken cancellationToken = default) =>
        _api.PostRepeatableAsync<DrainResult>("relayer/drain", body: null, key: null, cancellationToken);

    /// <summary>Lets it take new work again.</summary>
    public Task<DrainResult> ResumeAsync(CancellationToken cancellationToken = default) =>
        _api.PostRepeatableAsync<DrainResult>("relayer/resume", body: null, key: null, cancellationToken);
}
