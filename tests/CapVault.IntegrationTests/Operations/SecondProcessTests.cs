namespace CapVault.IntegrationTests;

/// <summary>Two relayers on one database would both believe that they own the lane's nonces.</summary>
public sealed class SecondProcessTests
{
    [Fact]
    public async Task A_second_process_on_the_same_data_refuses_and_says_who_is_there()
    {
        await using var chain = await SandboxChain.StartAsync();
        await using var relayer = await RelayerProcess.StartAsync(chain);

        var (exitCode, output) = await relayer.RunSecondAsync();

        exitCode.Should().NotBe(0);
        output.Should().Contain($"process {relayer.ProcessId}").And.Contain("DataDirectory");
    }
}
