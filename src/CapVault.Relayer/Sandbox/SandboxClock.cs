namespace CapVault.Relayer.Sandbox;

/// <summary>The sandbox's clock for everything off chain: moves together with the sandbox chain's.</summary>
public sealed class SandboxClock : TimeProvider
{
    private long _offsetSeconds;

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow() => base.GetUtcNow().AddSeconds(Interlocked.Read(ref _offsetSeconds));

    /// <summary>Moves forward.</summary>
    public void Advance(long seconds) => Interlocked.Add(ref _offsetSeconds, seconds);
}
