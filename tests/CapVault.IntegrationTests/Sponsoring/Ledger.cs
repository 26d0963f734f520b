using System.Numerics;
using CapVault.Relayer.Storage;
using Dapper;
using Microsoft.Extensions.DependencyInjection;

namespace CapVault.IntegrationTests;

/// <summary>A row of the sponsor's ledger.</summary>
internal sealed record LedgerRow
{
    public byte[] UserOpHash { get; init; } = [];

    public string State { get; init; } = "";

    public string? AgentId { get; init; }

    public byte[]? Owner { get; init; }

    public string? KeyId { get; init; }

    public long Day { get; init; }

    public long Reserved { get; init; }

    public long? Cost { get; init; }
}

/// <summary>A look into the sponsor's ledger.</summary>
internal static class Ledger
{
    public static Task<List<LedgerRow>> LedgerAsync(this Sandbox sandbox) => sandbox.Relayer.Services.GetRequiredService<Db>().ReadAsync(
        async connection => (await connection.QueryAsync<LedgerRow>("SELECT * FROM sponsorship")).AsList(), CancellationToken.None);

    /// <summary>An agent's promises.</summary>
    public static async Task<List<LedgerRow>> LedgerOfAsync(this Sandbox sandbox, Party party) =>
        [.. (await sandbox.LedgerAsync()).Where(row => row.AgentId == party.AgentId)];

    /// <summary>What the budgets say must be what the rows come to, whatever has happened.</summary>
    public static async Task BudgetsFitTheLedgerAsync(this Sandbox sandbox)
    {
        var expected = new Dictionary<(string, long), long>();
        foreach (var row in await sandbox.LedgerAsync())
        {
            var counts = row.State switch { "RESERVED" => row.Reserved, "SETTLED" => row.Cost!.Value, _ => 0 };
            foreach (var subject in new[] { "global", $"agent:{row.AgentId}", $"owner:0x{Convert.ToHexStringLower(row.Owner ?? [])}", $"key:{row.KeyId}" }.Where(subject => !subject.EndsWith(':') && !subject.EndsWith("0x", StringComparison.Ordinal)))
            {
                expected[(subject, row.Day)] = expected.GetValueOrDefault((subject, row.Day)) + counts;
            }
        }

        var budgets = await sandbox.Relayer.Services.GetRequiredService<Db>().ReadAsync(
            connection => connection.QueryAsync<(string Subject, long Day, long Gwei)>("SELECT subject, day, sum(gwei) FROM sponsor_budget GROUP BY subject, day"), CancellationToken.None);
        budgets.ToDictionary(row => (row.Subject, row.Day), row => row.Gwei).Should().BeEquivalentTo(expected);
    }

    /// <summary>Wei in gwei, rounded up.</summary>
    public static long Gwei(BigInteger wei) => (long)((wei + 999_999_999) / 1_000_000_000);
}

/// <summary>A sandbox with a sponsor policy. Gas costs 1 gwei at most there, so that budgets can be counted in gas.</summary>
public abstract class PolicySandbox : Sandbox
{
    private readonly TemporaryFolder _folder;

    protected PolicySandbox(string policy, params string[] settings)
        : this(new TemporaryFolder(), policy, settings)
    {
    }

    private PolicySandbox(TemporaryFolder folder, string policy, string[] settings)
        : base([$"SponsorPolicyFile={folder.File("policy.json")}", .. settings])
    {
        _folder = folder;
        File.WriteAllText(folder.File("policy.json"), policy);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => _folder.Dispose();
    }
}
