using System.Collections.Concurrent;
using CapVault.Sdk;

namespace CapVault.IntegrationTests.Faults;

/// <summary>What the workers were told.</summary>
internal sealed class Ledger
{
    private readonly ConcurrentQueue<Story> _stories = new();
    private readonly ConcurrentDictionary<string, int> _refusals = new(StringComparer.Ordinal);
    private int _failed;

    public IReadOnlyList<Story> Stories => [.. _stories];

    /// <summary>Answers that were none of the wanted ones, by what was asked and the code.</summary>
    public IReadOnlyDictionary<string, int> Refusals => _refusals;

    /// <summary>Promises that the relayer has taken back with a reason.</summary>
    public int FailedCount => _failed;

    public Story Begin(string key, string requester, string provider)
    {
        var story = new Story { Key = key, Requester = requester, Provider = provider };
        _stories.Enqueue(story);
        return story;
    }

    public void Refused(Story story, string what, CapApiException refusal)
    {
        story.LastRefusal = $"{what}: {refusal.Message}";
        _refusals.AddOrUpdate($"{what} {refusal.Code}", 1, (_, count) => count + 1);
    }

    public void Failed() => Interlocked.Increment(ref _failed);
}
