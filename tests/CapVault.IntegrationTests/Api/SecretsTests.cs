using System.Text;
using CapVault.Relayer.Accounts;
using Microsoft.Extensions.DependencyInjection;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.IntegrationTests;

/// <summary>What must not be found by whoever gets hold of the data, or of an answer.</summary>
public sealed class SecretsTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    [Theory]
    [InlineData("operator.key")]
    [InlineData("master.key")]
    public void Key_files_are_for_their_owner_alone(string name)
    {
        File.GetUnixFileMode(Path.Combine(sandbox.Relayer.DataDirectory, name)).Should().Be(UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    [Fact]
    public async Task The_database_holds_neither_API_keys_nor_Executors_keys_in_the_clear()
    {
        var agent = await sandbox.NewAgentAsync("agent");
        var services = sandbox.Relayer.Services;
        var row = await services.GetRequiredService<Relayer.Accounts.Agents>().FindAsync(agent.AgentId, CancellationToken.None);
        var executor = services.GetRequiredService<ExecutorKeys>().Decrypt(agent.AgentId, row!.ExecutorKey);
        await sandbox.Relayer.StopAsync(); // so that everything is in the files
        try
        {
            var stored = await sandbox.Relayer.ReadDatabaseAsync();

            Contains(stored, Encoding.ASCII.GetBytes(agent.AgentId)).Should().BeTrue("this is the right place to look");
            Contains(stored, Encoding.ASCII.GetBytes(agent.Key[^43..])).Should().BeFalse();
            Contains(stored, Encoding.ASCII.GetBytes(sandbox.Relayer.OperatorKey[^43..])).Should().BeFalse();
            Contains(stored, executor.GetPrivateKeyAsBytes()).Should().BeFalse();
            Contains(stored, Encoding.ASCII.GetBytes(executor.GetPrivateKeyAsBytes().ToHex())).Should().BeFalse();
        }
        finally
        {
            await sandbox.Relayer.StartAsync();
        }
    }

    [Fact]
    public async Task No_answer_shows_an_Executors_address()
    {
        var (pair, order) = await sandbox.PaidOrderAsync();
        var row = await sandbox.Relayer.Services.GetRequiredService<Relayer.Accounts.Agents>().FindAsync(pair.Requester.AgentId, CancellationToken.None);
        var executor = row!.Executor.ToHex();

        foreach (var (key, path) in new[]
        {
            (pair.Requester.Key, $"agents/{pair.Requester.AgentId}"), (sandbox.Relayer.OperatorKey, "agents"), (pair.Requester.Key, $"orders/{order.OrderId}"),
            (pair.Requester.Key, $"orders/negotiate/{order.NegotiationId}"), (pair.Requester.Key, "config"), (sandbox.Relayer.OperatorKey, "relayer/status"),
        })
        {
            (await sandbox.Api.GetAsync(key, path)).Body.Should().NotContainEquivalentOf(executor);
        }
    }

    private static bool Contains(ReadOnlySpan<byte> stored, byte[] secret) => stored.IndexOf(secret) >= 0;
}
