using CapVault.Contracts;

namespace CapVault.Tests.ContractBindings;

public sealed class DeploymentTests : IDisposable
{
    private const string Address = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";

    private readonly string path = Path.GetTempFileName();

    public void Dispose() => File.Delete(path);

    [Fact]
    public void The_file_of_the_script_is_read()
    {
        File.WriteAllText(path, Json());
        var deployment = Deployment.Read(path);
        (deployment.ChainId, deployment.DeployBlock, deployment.Vault, deployment.Usdc).Should().Be((31_337UL, 4UL, Address, Address));
        deployment.Eurc.Should().BeNull();
    }

    [Fact]
    public void The_sandbox_has_a_second_token()
    {
        File.WriteAllText(path, Json().Replace("\"later\": 1", $"\"eurc\": \"{Address}\"", StringComparison.Ordinal));
        Deployment.Read(path).Eurc.Should().Be(Address);
    }

    [Theory]
    [InlineData("\"vault\": \"" + Address + "\",", "", "*vault*")]
    [InlineData("\"vault\": \"" + Address + "\"", "\"vault\": null", "*vault*")]
    [InlineData("\"vault\": \"" + Address + "\"", "\"vault\": \"0x12\"", "*vault: found '0x12', expected 0x and 40*")]
    [InlineData("\"later\": 1", "\"eurc\": \"0x12\"", "*eurc: found '0x12', expected 0x and 40*")]
    [InlineData("31337", "\"x\"", "*chainId*")]
    [InlineData("{", "", "*")]
    public void A_file_that_is_no_deployment_is_refused_with_its_path(string part, string instead, string message)
    {
        File.WriteAllText(path, Json().Replace(part, instead, StringComparison.Ordinal));
        FluentActions.Invoking(() => Deployment.Read(path)).Should().Throw<InvalidDataException>().WithMessage($"{path}: {message}");
    }

    [Fact]
    public void A_missing_file_is_named() =>
        FluentActions.Invoking(() => Deployment.Read(path + ".not")).Should().Throw<InvalidDataException>().WithMessage($"{path}.not: *forge script*");

    // As Foundry's writeJson orders it.
    private static string Json() => $$"""
        {
          "accountFactory": "{{Address}}", "accountImplementation": "{{Address}}", "chainId": 31337, "deployBlock": 4, "entryPoint": "{{Address}}",
          "owner": "{{Address}}", "paymaster": "{{Address}}", "treasury": "{{Address}}", "usdc": "{{Address}}", "vault": "{{Address}}", "later": 1
        }
        """;
}
